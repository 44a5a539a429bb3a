// The chart's numbers as a table, newest first.

import { byId, element, setChildren } from "../dom.js";
import { averageLabel, count, signed } from "../format.js";
import { rows } from "./history.js";

const SOME_ROWS = 200;

/** Wire the table, which is only made while it is open; returns the renderer. */
export function setUpNumbers(state) {
  const details = byId("numbers");
  let whole = false;
  let last = null;
  details.addEventListener("toggle", () => render(state.get()));
  byId("numbers-all").addEventListener("click", () => {
    whole = true;
    render(state.get());
  });

  function render({ run, history, split, average }) {
    if (!details.open || !run) return;
    const basis = [run.id, history.curves, split, average, whole];
    if (last && basis.every((value, i) => value === last[i])) return;
    if (last && last[0] !== run.id) whole = false;
    last = basis;
    const names = run.averages.map((a) => a.name);
    const chosen = names.indexOf(average);
    const all = rows(history, split, names).reverse();
    const found = whole ? all : all.slice(0, SOME_ROWS);
    const label = (name) => averageLabel(run, name);
    const word = (name) => element("span", { class: name === average ? "ema-word" : "", text: label(name) });
    const header = element("tr", {},
      element("th", { scope: "col", text: "step" }),
      element("th", { scope: "col" }, element("span", { class: "raw-word", text: "raw" })),
      ...names.map((name) => element("th", { scope: "col" }, word(name))),
      ...(chosen < 0 ? [] : [element("th", { scope: "col", text: `${label(average)} − raw` })]));
    const cell = (text) => element("td", { text });
    const body = found.map(({ step, raw, averaged }) => element("tr", {},
      element("th", { scope: "row", text: count(step) }),
      cell(count(raw.correct)),
      ...averaged.map((e) => cell(e ? count(e.correct) : "…")),
      ...(chosen < 0 ? [] : [cell(averaged[chosen] ? signed(averaged[chosen].correct - raw.correct) : "…")])));
    const n = found[0]?.raw.n;
    const cut = found.length < all.length;
    const part = cut ? `; the newest ${count(found.length)} of ${count(all.length)} steps` : "";
    const caption = n ? `Of ${count(n)} ${split} images, read right${part}` : "No evaluation yet";
    setChildren(byId("numbers-table"),
      element("caption", { text: caption }), element("thead", {}, header), element("tbody", {}, ...body));
    byId("numbers-all").hidden = !cut;
    byId("numbers-all").textContent = `Show all ${count(all.length)} steps`;
  }

  return render;
}
