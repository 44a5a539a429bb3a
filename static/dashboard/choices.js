// How things are looked at: the images, the average, the measure, the part and the kind of the axes.

import { byId, element, setChildren } from "../dom.js";
import { decayName } from "../format.js";

const SWITCHES = ["split", "view", "measure", "scale"];

/** Wire the switches; returns the renderer. */
export function setUpChoices(state) {
  for (const name of SWITCHES) {
    for (const radio of radios(name)) {
      // Another part of the chart is not to be seen through the zoom into this one.
      const also = name === "view" ? { zoomed: null } : {};
      radio.addEventListener("change", () => state.set({ [name]: radio.value, ...also }));
    }
  }
  byId("average-choices").addEventListener("change", (event) => state.set({ average: event.target.value }));

  return (now) => {
    const { run, average } = now;
    for (const name of SWITCHES) {
      for (const radio of radios(name)) radio.checked = radio.value === now[name];
    }
    if (!run) return;
    byId("average-switch").hidden = run.averages.length < 2;
    const labels = run.averages.map((a) => element("label", {},
      element("input", { type: "radio", name: "average", value: a.name }), element("span", { text: decayName(a) })));
    setChildren(byId("average-choices"), ...labels);
    for (const radio of byId("average-choices").querySelectorAll("input")) radio.checked = radio.value === average;
  };
}

const radios = (name) => document.querySelectorAll(`input[name=${name}]`);
