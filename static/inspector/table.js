// The table of variables: a page of it at a time, each raw variable followed by what is kept of it.

import { byId, element, setChildren, setText } from "../dom.js";
import { bytesText, count, percent, significant } from "../format.js";
import { filtered, inFamilies, ownPart, shapeText, shortName, tally } from "./family.js";

export const PAGE = 60; // rows

/** The variables in the order of the table, and those of them on the page that is looked at. */
export function shownVariables({ variables, filter, from }) {
  if (!variables) return { found: [], rows: [], start: 0 };
  const found = filtered(inFamilies(variables), filter);
  const start = from < found.length ? from : 0;
  return { found, rows: found.slice(start, start + PAGE), start };
}

/** Wire filter, pages and rows; returns the renderer. */
export function setUpTable(state) {
  const body = byId("variables-body");
  const filter = byId("variables-filter");
  filter.addEventListener("input", () => state.set({ filter: filter.value, from: 0 }));
  const turn = (pages) => () => state.set({ from: Math.max(0, shownVariables(state.get()).start + pages * PAGE) });
  byId("variables-back").addEventListener("click", turn(-1));
  byId("variables-on").addEventListener("click", turn(1));
  body.addEventListener("click", ({ target }) => {
    const row = target.closest("tr[data-name]");
    if (row) state.set({ name: row.dataset.name });
  });

  return (now) => {
    byId("variables-panel").classList.toggle("waiting", now.variables === null);
    if (!now.variables) return;
    const { found, rows, start } = shownVariables(now);
    if (filter.value !== now.filter) filter.value = now.filter;
    const measured = rows.map((row) => now.measured.get(row.name) ?? row);
    const furthest = Math.max(0, ...[...now.measured.values()].map(({ distance }) => distance ?? 0));
    setChildren(body, ...measured.map((variable) => rowOf(variable, now, furthest)));
    setText(byId("variables-note"), note(found.length, now.variables.length, start, rows.length));
    byId("variables-pages").hidden = found.length <= PAGE;
    byId("variables-back").disabled = start === 0;
    byId("variables-on").disabled = start + PAGE >= found.length;
    setText(byId("tally"), `${count(now.variables.length)} variables: ${tally(now.variables)} · ${bytesText(now.place.bytes)}`);
  };
}

function note(found, all, start, shown) {
  if (!all) return "The checkpoint is empty.";
  if (!found) return "No variable is like that.";
  const of = found < all ? `${count(found)} of ${count(all)} variables` : `${count(all)} variables`;
  return found > PAGE ? `${count(start + 1)}–${count(start + shown)} of ${of}` : of;
}

const KINDS = { raw: "raw-key", average: "ema-key" };

/** Four digits; of numbers very near zero with an exponent. */
const briefly = (value) =>
  (value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(2) : significant(value, 4)).replaceAll("-", "−");

function rowOf(variable, { name: chosen, measured, variables }, furthest) {
  const { name, kind, of, shape, dtype } = variable;
  const known = measured.has(name);
  const held = of !== null && variables.some((one) => one.name === of);
  const cell = (value, text) => element("td", { text: value === null ? (known ? "–" : "") : text(value) });
  const number = (value) => cell(value, briefly);
  const part = held ? ownPart(name, of) : null;
  const shown = part === null ? [shortName(name)] : [element("span", { class: "sr-only", text: of }), part];
  const button = element("button", { type: "button", title: name, "aria-pressed": String(name === chosen) }, ...shown);
  return element("tr", { "data-name": name, class: [held ? "held" : "first", name === chosen ? "chosen" : ""].join(" ").trim() },
    element("th", { scope: "row" }, button),
    element("td", { class: "kind" }, element("span", { class: KINDS[kind] ?? null, text: kind })),
    element("td", {}, shapeText(shape), element("small", { text: ` ${dtype}` })),
    distanceCell(variable, furthest, known),
    kind === "average" ? cell(variable.cosine, (v) => v.toFixed(6)) : element("td"),
    number(variable.mean), number(variable.std), number(variable.min), number(variable.max),
    cell(variable.zeros, (v) => (v ? percent(v, 1) : "0")),
    element("td", { class: variable.non_finite ? "problem" : "", text: known ? count(variable.non_finite ?? 0) : "" }));
}

/** How far an average is from its raw variable: in percent, and as a bar beside those of the others. */
function distanceCell({ kind, distance }, furthest, known) {
  if (kind !== "average") return element("td", { class: "distance" });
  if (distance === null) return element("td", { class: "distance", text: known ? "–" : "" });
  const bar = element("span", { class: "bar" });
  bar.style.width = `${(100 * distance) / (furthest || 1)}%`;
  return element("td", { class: "distance" }, element("span", { text: percent(distance) }), bar);
}
