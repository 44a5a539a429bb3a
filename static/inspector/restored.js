// The three lists: what is in the checkpoint, what is restored raw, and what from an average; names and small values.

import { readRestoreMap } from "../api.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count } from "../format.js";
import { valueText } from "./closeup.js";
import { averagesIn, chosenAverage, inFamilies } from "./family.js";

const MOST = 200; // rows of a list
const FEW = 12; // values in a row

/** Wire the panel; returns the renderer. */
export function setUpRestored(state) {
  let asked = null;

  async function read(now) {
    const { place, variables } = now;
    const average = chosenAverage(now);
    const key = JSON.stringify([place.run, place.step, average]);
    if (key === asked) return;
    asked = key;
    const questions = [{ ema: false }, ...(averagesIn(variables).length ? [{ ema: true, average }] : [])];
    try {
      const [raw, ema = null] = await Promise.all(questions.map((one) => readRestoreMap(place.run, place.step, one)));
      if (key === asked) state.set({ restored: { raw, ema }, restoredProblem: null });
    } catch (problem) {
      if (key === asked) state.set({ restored: null, restoredProblem: problem.message });
    }
  }

  return (now) => {
    const { place, variables, measured, restored, restoredProblem } = now;
    if (place && variables) read(now);
    byId("restored-problem").hidden = !restoredProblem;
    setText(byId("restored-problem"), restoredProblem ?? "");
    if (!variables || !restored) return;
    const held = inFamilies(variables);
    setChildren(byId("held-list"), ...listOf(held, ({ name }) =>
      rowOf(nameParts(name), measured.get(name)?.values ?? null)));
    for (const kind of ["raw", "ema"]) {
      const map = restored[kind];
      byId(`restored-${kind}`).hidden = !map;
      if (!map) continue;
      setText(byId(`restored-${kind}-sentence`), map.sentence);
      setChildren(byId(`restored-${kind}-list`), ...listOf(map.restored, (one) => restoredRow(one, kind)));
      const left = map.unused.length ? `${count(map.unused.length)} names of the checkpoint are not read.` : "";
      setText(byId(`restored-${kind}-left`), left);
    }
  };
}

function listOf(all, row) {
  const rows = all.slice(0, MOST).map(row);
  if (all.length > MOST) rows.push(element("li", { class: "caption", text: `and ${count(all.length - MOST)} more` }));
  return rows;
}

/** A name, its last part (which tells an average or a slot) apart from what it belongs to. */
const nameParts = (name) => [element("span", { class: "variable-name", text: name })];

const rowOf = (name, values) => element("li", {}, ...name, ...valueParts(values));

function restoredRow({ variable, name, source, values }, kind) {
  const note = source === "raw" && kind === "ema" ? [element("span", { class: "raw-note", text: "raw: no average" })] : [];
  const from = name === variable ? [] : [element("span", { class: "from" }, "← ",
    name.startsWith(`${variable}/`) ? element("span", { class: "ema-word", text: name.slice(variable.length) }) : name)];
  return element("li", {}, ...nameParts(variable), ...from, ...note, ...valueParts(values));
}

/** The values of a small variable with all their digits; of more than a few, those at the beginning. */
function valueParts(values) {
  if (values === null || values === undefined) return [];
  const flat = [values].flat(Infinity);
  const shown = flat.slice(0, FEW).map(valueText).join(", ");
  return [element("span", { class: "values", text: flat.length > FEW ? `${shown}, … (${count(flat.length)})` : shown })];
}
