// The table of all runs. Rows are changed in place: what has the focus keeps it.

import { stateName } from "../dashboard/progress.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent } from "../format.js";
import { markOf } from "./marks.js";
import { ACCURACIES, accuracyAt, differing, filtered, knobText, sorted, toRows } from "./rows.js";
import { MOST_TICKED } from "./selection.js";

const MOST_ROWS = 200; // more would make every change slow
const LONG_KNOB = 24; // characters; longer ones are broken into lines
const GROUPS = { "final-raw": "Final, validation", "best-raw": "Best, validation", "test-raw": "Test at that step" };
const SMALLEST_FIRST = new Set(["name"]); // whereas of numbers one looks for the greatest

/** Wire the table; returns the renderer. */
export function setUpTable(state) {
  const [head, body] = [byId("runs-table").tHead, byId("runs-table").tBodies[0]];
  const known = new Map(); // rows by run

  byId("filter").value = state.get().filter;
  byId("filter").addEventListener("input", ({ target }) => state.set({ filter: target.value }));
  byId("all-knobs").addEventListener("click", () => state.set({ allKnobs: !state.get().allKnobs }));
  head.addEventListener("click", ({ target }) => {
    const key = target.closest("button")?.dataset.key;
    if (key) state.set({ sort: nextOrder(state.get().sort, key) });
  });
  body.addEventListener("change", ({ target }) => toggle(state, target.value, target.checked));
  for (const type of ["pointerover", "focusin"]) {
    body.addEventListener(type, ({ target }) => emphasise(state, target.closest("tr")?.dataset.run));
  }
  for (const type of ["pointerleave", "focusout"]) body.addEventListener(type, () => emphasise(state, null));

  return ({ runs, scores, ticked, sort, filter, allKnobs }) => {
    if (!runs?.length) return;
    const knobs = allKnobs ? Object.keys(runs[0].config) : differing(runs);
    byId("all-knobs").setAttribute("aria-pressed", String(allKnobs));
    setHead(head, columnsOf(knobs), sort);
    const found = sorted(filtered(toRows(runs, scores), filter), sort);
    const shown = found.slice(0, MOST_ROWS);
    const highest = Object.fromEntries(ACCURACIES.map((column) =>
      [column.key, Math.max(...found.map((row) => accuracyAt(row, column)?.share.correct ?? 0))]));
    const rows = shown.map((row) => {
      const { id } = row.run;
      if (!known.has(id)) known.set(id, newRow(id));
      const line = known.get(id);
      fill(line, row, { knobs, ticked: ticked ?? [], highest });
      return line.row;
    });
    if (rows.length !== body.rows.length || rows.some((row, i) => row !== body.rows[i])) arrange(body, rows);
    setText(byId("table-note"), note(shown.length, found.length, runs.length));
  };
}

/** Rows into their places; those that stay are not touched, so that the focus stays. */
function arrange(body, rows) {
  const wanted = new Set(rows);
  for (const row of [...body.rows]) if (!wanted.has(row)) row.remove();
  for (const [i, row] of rows.entries()) if (body.rows[i] !== row) body.insertBefore(row, body.rows[i] ?? null);
}

/** Tick a run, or take it off. */
export function toggle(state, id, on) {
  const rest = (state.get().ticked ?? []).filter((one) => one !== id);
  if (on && rest.length >= MOST_TICKED) {
    return state.set({ ticked: [...rest], notice: `At most ${MOST_TICKED} runs at a time: take one off first.` });
  }
  return state.set({ ticked: on ? [...rest, id] : rest });
}

/** Bring a run's curves forward; null: all alike. */
export function emphasise(state, id) {
  const { ticked, emphasised } = state.get();
  const next = ticked?.includes(id) ? id : null;
  if (next !== emphasised) state.set({ emphasised: next });
}

function nextOrder(order, key) {
  const first = SMALLEST_FIRST.has(key) ? key : `-${key}`;
  const other = SMALLEST_FIRST.has(key) ? `-${key}` : key;
  return order === first ? other : first;
}

function note(shown, found, all) {
  if (!found) return "No run is like that.";
  if (shown < found) return `The first ${count(shown)} of ${count(found)} runs; filter to find others.`;
  return found < all ? `${count(found)} of ${count(all)} runs.` : "";
}

const columnsOf = (knobs) => [
  { key: "name", label: "Run" },
  { key: "step", label: "Steps" },
  ...knobs.filter((name) => name !== "steps").map((name) => ({ key: `knob:${name}`, label: name.replaceAll("_", " ") })),
  ...ACCURACIES.map(({ key, weights }) => ({ key, label: weights === "raw" ? "raw" : "averaged", word: `${weights}-word` })),
];

function setHead(head, columns, sort) {
  const before = element("tr", { class: "groups" },
    element("td", { colspan: columns.length - ACCURACIES.length + 1 }),
    ...Object.values(GROUPS).map((text) => element("th", { colspan: 2, scope: "colgroup", text })));
  const titles = columns.map(({ key, label, word }) => {
    const order = sort === key ? "ascending" : sort === `-${key}` ? "descending" : null;
    const text = element("span", { class: word ?? null, text: label });
    return element("th", { scope: "col", "aria-sort": order, class: kindOf(key) },
      element("button", { type: "button", "data-key": key }, text));
  });
  const ticks = element("th", { scope: "col", class: "tick" }, element("span", { class: "sr-only", text: "Ticked" }));
  const focused = document.activeElement?.dataset?.key;
  setChildren(head, before, element("tr", {}, ticks, ...titles));
  if (focused && head.contains(document.activeElement) === false) head.querySelector(`[data-key="${focused}"]`)?.focus();
}

const kindOf = (key) => (key === "name" ? "name" : ACCURACIES.some((one) => one.key === key) ? "accuracy" : "knob");

function newRow(id) {
  const box = element("input", { type: "checkbox", value: id });
  const mark = element("span", { class: "mark", "aria-hidden": "true" });
  const row = element("tr", { "data-run": id },
    element("td", { class: "tick" }, element("label", {}, box, mark)), element("th", { scope: "row", class: "name" }));
  return { row, box, mark, name: row.cells[1] };
}

function fill({ row, box, mark, name }, found, { knobs, ticked, highest }) {
  const { run, average } = found;
  const badge = markOf(ticked, run.id);
  box.checked = Boolean(badge);
  box.setAttribute("aria-label", `Show the curves of ${run.name}, ${run.id}`);
  setText(mark, badge ? `${badge.letter} ${badge.shape}` : "");
  row.classList.toggle("ticked-row", Boolean(badge));
  setChildren(name,
    element("a", { href: `./?run=${encodeURIComponent(run.id)}`, text: run.name }),
    element("small", { text: `${stateName(run).toLowerCase()} · ${run.id}` }));
  const part = run.step < run.steps ? `of ${count(run.steps)}` : "";
  const cells = [
    element("td", { class: "knob" }, count(run.step), element("small", { text: part })),
    ...knobs.filter((knob) => knob !== "steps").map((knob) => knobCell(knobText(knob, run.config[knob]))),
    ...ACCURACIES.map((column) => accuracyCell(found, column, run.averages.length > 1 ? average : null, highest[column.key])),
  ];
  const rest = element("tr", {}, ...cells);
  const now = element("tr", {}, ...[...row.cells].slice(2).map((cell) => cell.cloneNode(true)));
  if (now.innerHTML === rest.innerHTML) return;
  for (const cell of [...row.cells].slice(2)) cell.remove();
  row.append(...rest.childNodes);
}

const knobCell = (text) => element("td", { class: text.length > LONG_KNOB ? "knob long" : "knob", text });

function accuracyCell(row, column, average, highest) {
  const found = accuracyAt(row, column);
  if (!found) return element("td", { class: "accuracy none", text: "–" });
  const { step, share: { accuracy, accuracy_interval: [low, high], correct } } = found;
  const at = [`at ${count(step)}`, ...(average && column.weights === "ema" ? [`decay ${average.decay}`] : [])].join(" · ");
  const below = [`${percent(low).slice(0, -2)}–${percent(high).slice(0, -2)}`, ...(column.key.startsWith("best") ? [at] : [])];
  return element("td", { class: `accuracy${correct === highest ? " highest" : ""}` },
    element("span", { class: `${column.weights}-number`, text: percent(accuracy) }),
    ...below.map((text) => element("small", { text })));
}
