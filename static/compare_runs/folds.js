// The runs of a study beneath one row of the table, which tells of them all: folded until it is opened.

import { stateName } from "../dashboard/progress.js";
import { element, setChildren } from "../dom.js";
import { count } from "../format.js";

/** The lines of the table: { row }, or { study, rows } where a study's runs begin, which follow where it is `unfolded`. */
export function folded(rows, unfolded) {
  const studies = new Map();
  const lines = [];
  for (const row of rows) {
    const { study } = row.run;
    if (!study) lines.push({ row });
    else if (studies.has(study.id)) studies.get(study.id).push(row);
    else {
      studies.set(study.id, [row]);
      lines.push({ study, rows: studies.get(study.id) });
    }
  }
  return lines.flatMap((line) => [
    line, ...(line.study && unfolded.includes(line.study.id) ? line.rows.map((row) => ({ row })) : []),
  ]);
}

/** How many runs the lines show, those counted that are told of by a folded study's row. */
export const runsIn = (lines, unfolded) => lines.reduce((sum, { study, rows }) =>
  sum + (study ? (unfolded.includes(study.id) ? 0 : rows.length) : 1), 0);

/** A row for a study, without anything in it yet. */
export function newHead({ id }) {
  const row = element("tr", { class: "study-row", "data-study": id },
    element("td", { class: "tick" }), element("th", { scope: "rowgroup", class: "name" }));
  return { row, cell: row.cells[1] };
}

/** What a study's row tells: how many runs of which states, how many are ticked, and the way to its page. */
export function fillHead({ cell }, { study, rows }, { unfolded, ticked, columns }) {
  const open = unfolded.includes(study.id);
  const on = rows.filter(({ run }) => ticked.includes(run.id)).length;
  cell.colSpan = columns;
  setChildren(cell,
    element("button", { type: "button", class: "fold", value: study.id, "aria-expanded": String(open) },
      element("span", { class: "fold-name", text: `Study: ${study.name}` })),
    element("small", {}, [`${count(rows.length)} ${rows.length === 1 ? "run" : "runs"}`, states(rows), on ? `${count(on)} ticked` : ""]
      .filter(Boolean).join(" · ")),
    element("a", { href: `study?study=${encodeURIComponent(study.id)}`, text: "What it has found" }));
}

function states(rows) {
  const counts = new Map();
  for (const { run } of rows) counts.set(stateName(run), (counts.get(stateName(run)) ?? 0) + 1);
  return [...counts].map(([name, number]) => `${count(number)} ${name.toLowerCase()}`).join(", ");
}

/** The studies that are unfolded, with this one changed. */
export const turned = (unfolded, id) => (unfolded.includes(id) ? unfolded.filter((one) => one !== id) : [...unfolded, id]);
