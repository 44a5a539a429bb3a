// What is being looked at: the split, the average, the range of the accuracy axis.

import { byId, element, setChildren } from "../dom.js";
import { decayName } from "../format.js";

/** Wire the switches; returns the renderer. */
export function setUpChoices(state) {
  for (const name of ["split", "view"]) {
    for (const radio of document.querySelectorAll(`input[name=${name}]`)) {
      // Browsers keep a choice over a reload; the state does not.
      radio.checked = radio.value === state.get()[name];
      radio.addEventListener("change", () => state.set({ [name]: radio.value }));
    }
  }
  byId("average-choices").addEventListener("change", (event) => state.set({ average: event.target.value }));

  return ({ run, average }) => {
    if (!run) return;
    byId("average-switch").hidden = run.averages.length < 2;
    const labels = run.averages.map((a) => element("label", {},
      element("input", { type: "radio", name: "average", value: a.name }), element("span", { text: decayName(a) })));
    setChildren(byId("average-choices"), ...labels);
    for (const radio of byId("average-choices").querySelectorAll("input")) radio.checked = radio.value === average;
  };
}
