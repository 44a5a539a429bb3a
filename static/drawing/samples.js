// Images of the run's data set for the sheet, of the split that is looked at: a random one, or one that the two sets of
// weights read differently at the step that is looked at.

import { readSample } from "../api.js";
import { curve } from "../dashboard/history.js";
import { byId, setText } from "../dom.js";
import { article, count } from "../format.js";
import { digitInk } from "./ink.js";

/** Wire both buttons; `show(ink)` puts an image on the sheet. Returns the renderer. */
export function setUpSamples(state, show) {
  let last = null; // [run id, split, index] of the image that was asked for last

  byId("random-image").addEventListener("click", () =>
    put(state.get().split, Math.floor(Math.random() * imagesOf(state.get()))));
  byId("disagreement").addEventListener("click", () => {
    const { comparison } = state.get();
    const others = comparison.disagreements.filter(({ index }) => index !== last?.[2]);
    const from = others.length ? others : comparison.disagreements;
    put(comparison.split, from[Math.floor(Math.random() * from.length)].index);
  });

  async function put(split, index) {
    const mine = [state.get().runId, split, index];
    last = mine;
    try {
      const { image, label } = await readSample(...mine);
      const told = `${imageName(split)} ${count(index)}: ${article(label)}\u00a0${label}`;
      if (last === mine) show(digitInk(image, label, told));
    } catch (problem) {
      state.set({ notice: problem.message });
    }
  }

  return (now) => {
    const { run, runId, split, comparison } = now;
    const isCurrent = comparison?.run === runId && comparison.split === split;
    const disagreements = isCurrent ? comparison.disagreements.length : 0;
    byId("random-image").disabled = !imagesOf(now);
    setText(byId("random-image"), imageName(split));
    byId("random-image").title = `A random ${split} image`;
    byId("disagreement").title = `A ${split} image that raw and averaged weights read differently at this step`;
    byId("disagreement").hidden = run.averages.length === 0;
    byId("disagreement").disabled = !disagreements;
  };
}

const imageName = (split) => (split === "test" ? "Test image" : "Validation image");

/** How many images the split has; 0 while that is not known. */
const imagesOf = ({ history, split }) => curve(history, split, null)[0]?.n ?? 0;
