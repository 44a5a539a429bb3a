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
  const list = remembered(renderAverages);
  byId("average-choices").addEventListener("change", (event) => state.set({ average: event.target.value }));

  return (now) => {
    const { run, average, split, overalls } = now;
    for (const [name, group] of radios) {
      for (const radio of group) radio.checked = radio.value === now[name];
    }
    if (!run) return;
    byId("average-switch").hidden = run.averages.length < 2;
    list(run.averages, split, overalls);
    for (const radio of byId("average-choices").querySelectorAll("input")) radio.checked = radio.value === average;
  };
}

/** The averages side by side, each with its gain over the run as far as that is known. */
function renderAverages(averages, split, overalls) {
  const means = averages.map(({ name }) => overalls.get(name)?.overall ?? null);
  const largest = split === "validation" ? largestGain(means) : null;
  byId("average-gains").hidden = !means.some(Boolean);
  setChildren(byId("average-choices"), ...averages.map((average, i) => {
    const id = `average-choice-${i}`;
    const mean = means[i];
    const gain = mean && points(mean.accuracy);
    const interval = mean && spare(` ${mean.interval.map(bare).join("\u00a0to\u00a0")}`);
    const mark = gain && gain === largest ? [element("span", { class: "largest" }, "largest", spare(" gain"))] : [];
    return element("label", {},
      element("input", {
        type: "radio", name: "average", value: average.name, "aria-labelledby": id, "aria-describedby": `${id}-gain`,
      }),
      element("span", {},
        element("span", { class: "decay", id, text: decayName(average) }),
        element("span", { class: "gain", id: `${id}-gain` },
          ...(gain ? [element("b", { text: gain }), interval] : []), ...mark)));
  }));
}

const spare = (text) => element("span", { class: "spare", text }); // where there is room

/** The largest of the means that are beyond chance, as it is written; null where none is, or one is not known yet. */
export function largestGain(means) {
  if (!means.every(Boolean)) return null;
  const gains = means.filter(({ interval }) => interval[0] > 0).map(({ accuracy }) => accuracy);
  return gains.length ? points(Math.max(...gains)) : null;
}

const bare = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(2)}`;
const points = (share) => `${bare(share)}\u00a0pp`;
