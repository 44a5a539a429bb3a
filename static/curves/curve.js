// The accuracy panel: the curves and the gap between them.

import { comparableSteps } from "../dashboard/selection.js";
import { summary } from "../dashboard/sentence.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, count, percent } from "../format.js";
import { remembered } from "../memo.js";
import { setUpDownloads } from "./download.js";
import { figure, title } from "./figure.js";
import { setUpPlot } from "./plot.js";
import { setUpKeys } from "./pointer.js";
import { bestStep } from "./series.js";

/** Wire the panel; returns the renderer. */
export function setUpCurve(state) {
  const frame = byId("curve-frame");
  const render = setUpPlot(state, frame, {
    basis: ({ run, history, average, overall }) => [run.state, run.steps, history.curves, average, overall],
    picture: ({ run, split, view, measure, scale }) => [run.id, split, view, measure, scale].join(" "),
    make: figure,
    stepsOf: comparableSteps,
    onDrawn(now, made) {
      frame.classList.toggle("with-gap", now.average !== null);
      const words = `${title(now)} by step. ${summary(now)} All of it is in the table below.`;
      byId("chart").setAttribute("aria-label", words);
      setText(byId("chart-note"), made.empty ? "The curves begin with the first evaluated checkpoint." : "");
      setText(byId("chart-caption"), caption(now, made));
    },
  });
  setUpKeys(state, frame);
  setUpDownloads(state);
  byId("best-steps").addEventListener("click", ({ target }) => {
    const step = target.closest("button")?.dataset.step;
    if (step) state.set({ step: Number(step) });
  });

  const showBest = remembered(renderBest);

  return (now) => {
    if (!now.run) return;
    setText(byId("curve-title"), title(now));
    showBest(now.run, now.history.curves, now.average);
    render(now);
  };
}

/** The best steps in words, as buttons that go there. */
function renderBest(run, curves, average) {
  const button = (kind, label, name) => {
    const step = bestStep({ curves }, name);
    if (step === null) return [];
    const mark = element("i", { class: `best-mark ${kind}` });
    const word = element("span", { class: `${kind}-word`, text: label });
    return [element("button", { type: "button", class: "link", "data-step": step }, mark, word, ` at ${count(step)}`)];
  };
  const buttons = [
    ...button("raw", "raw", null),
    ...(average ? button("ema", averageLabel(run, average), average) : []),
  ];
  setChildren(byId("best-steps"), ...(buttons.length ? ["Best by validation:", ...buttons] : []));
}

function caption({ scale, history, split }, { below, crowded }) {
  const parts = [];
  if (below.length) parts.push(left(below));
  if (scale === "log" && [...history.curves].some(([key, points]) => key.startsWith(split) && points[0]?.step === 0)) {
    parts.push("A logarithmic axis has no place for step 0.");
  }
  if (crowded) parts.push("Of neighbouring checkpoints only the highest and the lowest are drawn; zoom in for all.");
  return parts.join(" ");
}

function left(below) {
  const lowest = below.reduce((a, b) => (b.accuracy < a.accuracy ? b : a));
  const steps = new Set(below.map((e) => e.step));
  const place = `${percent(lowest.accuracy, 1)} right at step ${count(lowest.step)}`;
  if (steps.size === 1) return `Left out of this close-up: ${place}. “Everything” shows it.`;
  return `Left out of this close-up: points of ${count(steps.size)} steps, down to ${place}. ` +
    "“Everything” shows them.";
}
