// How things are looked at: the images, the average, the measure, the part and the kind of the axes.

import { byId, element, setChildren } from "../dom.js";
import { decayName } from "../format.js";
import { remembered } from "../memo.js";

const SWITCHES = ["split", "view", "measure", "scale"];

/** Wire the switches; returns the renderer. */
export function setUpChoices(state) {
  const radios = new Map(SWITCHES.map((name) => [name, [...document.querySelectorAll(`input[name=${name}]`)]]));
  for (const [name, group] of radios) {
    for (const radio of group) {
      // Another part of the chart is not to be seen through the zoom into this one.
      const also = name === "view" ? { zoomed: null } : {};
      radio.addEventListener("change", () => state.set({ [name]: radio.value, ...also }));
    }
  }
  // A run keeps its averages: they are listed once.
  const list = remembered(() => {
    const labels = state.get().run.averages.map((a) => element("label", {},
      element("input", { type: "radio", name: "average", value: a.name }), element("span", { text: decayName(a) })));
    setChildren(byId("average-choices"), ...labels);
  });
  byId("average-choices").addEventListener("change", (event) => state.set({ average: event.target.value }));

  return (now) => {
    const { run, average } = now;
    for (const [name, group] of radios) {
      for (const radio of group) radio.checked = radio.value === now[name];
    }
    if (!run) return;
    byId("average-switch").hidden = run.averages.length < 2;
    list(run.id, run.averages.length); // of a watched run they are not known at first
    for (const radio of byId("average-choices").querySelectorAll("input")) radio.checked = radio.value === average;
  };
}
