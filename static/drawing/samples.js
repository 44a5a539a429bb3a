// Images of the run's data set for the sheet: a random one of the test images, or one that the two sets of weights
// read differently at the step that is looked at.

import { readSample } from "../api.js";
import { curve } from "../dashboard/history.js";
import { byId } from "../dom.js";
import { article, count } from "../format.js";
import { digitInk } from "./ink.js";

/** Wire both buttons; `show(ink)` puts an image on the sheet. Returns the renderer. */
export function setUpSamples(state, show) {
  let last = null; // [run id, split, index] of the image that was asked for last

  byId("random-image").addEventListener("click", () =>
    put("test", Math.floor(Math.random() * testImages(state.get()))));
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
      const told = `${split === "test" ? "Test" : "Validation"} image ${count(index)}: ${article(label)}\u00a0${label}`;
      if (last === mine) show(digitInk(image, label, told));
    } catch (problem) {
      state.set({ notice: problem.message });
    }
  }

  return (now) => {
    const { run, runId, comparison } = now;
    const disagreements = comparison?.run === runId ? comparison.disagreements.length : 0;
    byId("random-image").disabled = !testImages(now);
    byId("disagreement").hidden = run.averages.length === 0;
    byId("disagreement").disabled = !disagreements;
  };
}

/** How many test images there are; 0 while that is not known. */
const testImages = ({ history }) => curve(history, "test", null)[0]?.n ?? 0;
