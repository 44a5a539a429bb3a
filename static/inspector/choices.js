// Which run, which of its checkpoints, and, where it keeps several, which average.

import { byId, element, setChildren } from "../dom.js";
import { count, decayName } from "../format.js";
import { optionElements, runOption } from "../run_choices.js";
import { averagesIn, chosenAverage } from "./family.js";
import { LATEST } from "./selection.js";

/** Wire the pickers; `onChoose(run, step)` when another checkpoint is chosen. Returns the renderer. */
export function setUpChoices(state, onChoose) {
  const runs = byId("run-picker");
  const steps = byId("step-picker");
  const choices = byId("average-choices");
  runs.addEventListener("change", () => onChoose(state.get().runs.find(({ id }) => id === runs.value), LATEST));
  const go = (step) => onChoose(state.get().run, step);
  steps.addEventListener("change", () => go(steps.value === LATEST ? LATEST : Number(steps.value)));
  const beside = (way) => () => {
    const { steps: all, place } = state.get();
    const step = all[all.indexOf(place?.step) + way];
    if (step !== undefined) go(step);
  };
  byId("step-back").addEventListener("click", beside(-1));
  byId("step-on").addEventListener("click", beside(1));
  choices.addEventListener("change", ({ target }) => state.set({ average: target.value }));

  return (now) => {
    if (!now.runs) return;
    runs.disabled = !now.runs.length;
    const none = now.run ? [] : [["", now.runs.length ? "choose a run" : "no run yet"]];
    options(runs, [...none, ...now.runs.map(runOption)], now.run?.id ?? "");
    steps.disabled = !now.run;
    const newest = now.steps.at(-1);
    const latest = newest === undefined ? "latest" : `latest (${count(newest)})`;
    const listed = now.step === LATEST || now.steps.includes(now.step) ? now.steps : [...now.steps, now.step];
    options(steps, [[LATEST, latest], ...listed.toReversed().map((step) => [String(step), count(step)])], String(now.step));
    const place = now.steps.indexOf(now.place?.step);
    byId("step-back").disabled = place <= 0;
    byId("step-on").disabled = place < 0 || place >= now.steps.length - 1;
    renderAverages(now);
  };

  function renderAverages(now) {
    const there = averagesIn(now.variables ?? []);
    byId("average-switch").hidden = there.length < 2;
    setChildren(choices, ...there.map((name) => {
      const average = now.run.averages.find((one) => one.name === name);
      return element("label", {}, element("input", { type: "radio", name: "average", value: name }),
        element("span", { title: name, text: average ? decayName(average) : name }));
    }));
    for (const radio of choices.querySelectorAll("input")) radio.checked = radio.value === chosenAverage(now);
  }
}

function options(select, wanted, value) {
  setChildren(select, ...optionElements(wanted));
  if (select.value !== value) select.value = value;
}
