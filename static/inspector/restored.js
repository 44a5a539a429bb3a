// The three lists: what is in the checkpoint, what is restored raw, and what from an average; names and small values.

import { readRestoreMap } from "../api.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count } from "../format.js";
import { valueText } from "./closeup.js";
import { averagesIn, chosenAverage, inFamilies, ownPart } from "./family.js";

const MOST = 500; // rows of a list
const FIRST = 40; // rows of a list that is not shown whole yet
const FEW = 12; // values in a row

/** Wire the panel; returns the renderer. */
export function setUpRestored(state) {
  const whole = new Set(); // the lists of which all is shown
  let asked = null;

  for (const list of document.querySelectorAll(".restored .names")) {
    list.addEventListener("click", ({ target }) => {
      if (!target.closest("button")) return;
      whole.add(list.id);
      render(state.get());
      list.focus();
    });
  }

  async function read(now) {
    const { place, variables } = now;
    const average = chosenAverage(now);
    if (asked?.variables === variables && asked.average === average) return;
    const question = { variables, average }; // each look at a checkpoint has its own list of variables
    asked = question;
    const isOld = () => question !== asked || state.get().variables !== variables;
    const questions = [{ ema: false }, ...(averagesIn(variables).length ? [{ ema: true, average }] : [])];
    try {
      const [raw, ema = null] = await Promise.all(questions.map((one) => readRestoreMap(place.run, place.step, one)));
      if (!isOld()) state.set({ restored: { raw, ema }, restoredProblem: null });
    } catch (problem) {
      if (!isOld()) state.set({ restored: null, restoredProblem: problem.message });
    }
  }

  function render(now) {
    const { place, variables, measured, restored, restoredProblem } = now;
    if (place && variables) read(now);
    byId("restored-problem").hidden = !restoredProblem;
    setText(byId("restored-problem"), restoredProblem ?? "");
    if (!variables || !restored) return;
    const held = inFamilies(variables);
    setChildren(byId("held-list"), ...listOf(held, whole.has("held-list"), ({ name }) =>
      rowOf(nameParts(name), measured.get(name)?.values ?? null)));
    for (const kind of ["raw", "ema"]) {
      const map = restored[kind];
      byId(`restored-${kind}`).hidden = !map;
      if (!map) continue;
      setText(byId(`restored-${kind}-sentence`), map.sentence);
      const list = byId(`restored-${kind}-list`);
      setChildren(list, ...listOf(map.restored, whole.has(list.id), (one) => restoredRow(one, kind)));
      const left = leftText(map.unused.length);
      setText(byId(`restored-${kind}-left`), left);
    }
  }

  return render;
}

function leftText(names) {
  if (names === 0) return "";
  return names === 1 ? "1 name of the checkpoint is not read." : `${count(names)} names of the checkpoint are not read.`;
}

/** The rows of a list: all of one that is not long, else the first and a button for the others. */
function listOf(all, whole, row) {
  const rows = all.slice(0, whole ? MOST : FIRST).map(row);
  const left = all.length - rows.length;
  if (left && whole) rows.push(element("li", { class: "caption", text: `and ${count(left)} more` }));
  if (left && !whole) {
    const text = `Show all ${count(all.length)}`;
    rows.push(element("li", {}, element("button", { type: "button", class: "small", text })));
  }
  return rows;
}

/** A name, its last part (which tells an average or a slot) apart from what it belongs to. */
const nameParts = (name) => [element("span", { class: "variable-name", text: name })];

const rowOf = (name, values) => element("li", {}, ...name, ...valueParts(values));

function restoredRow({ variable, name, source, values }, kind) {
  const note = source === "raw" && kind === "ema" ? [element("span", { class: "raw-note", text: "raw: no average" })] : [];
  const shown = ownPart(name, variable) ?? name;
  const from = name === variable ? [] : [element("span", { class: "from" }, "← ",
    source === "average" ? element("span", { class: "ema-word", text: shown }) : shown)];
  return element("li", {}, ...nameParts(variable), ...from, ...note, ...valueParts(values));
}

/** The values of a small variable with all their digits; of more than a few, those at the beginning. */
function valueParts(values) {
  if (values === null || values === undefined) return [];
  const flat = [values].flat(Infinity);
  const shown = flat.slice(0, FEW).map(valueText).join(", ");
  return [element("span", { class: "values", text: flat.length > FEW ? `${shown}, … (${count(flat.length)})` : shown })];
}
