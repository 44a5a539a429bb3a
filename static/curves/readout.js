// The chart's key and its readings: at the step under the pointer, or else at the newest.

import { byId, element, setChildren } from "../dom.js";
import { count, percent, significant } from "../format.js";
import { series } from "./figure.js";

/** The index of the value nearest to `target` in ascending `values`, or -1 where there are none. */
function nearest(values, target) {
  let best = -1;
  for (const [i, value] of values.entries()) {
    if (best < 0 || Math.abs(value - target) <= Math.abs(values[best] - target)) best = i;
  }
  return best;
}

function entry(kind, label, value, detail, sign) {
  const symbol = kind === "ema-faint" && sign;
  const key = element("i", { class: `key ${kind}`, "data-symbol": symbol, "aria-hidden": "true" });
  const name = element("dt", {}, key, label);
  return element("div", { class: `entry ${kind}` }, name, element("dd", { title: detail, text: value }));
}

export function renderReadout(state) {
  if (!state.run) return;
  const { history, hovered } = state;
  const shown = series(state);
  const steps = shown[0].points.map((e) => e.step);
  const at = steps[nearest(steps, hovered ?? Infinity)] ?? steps.at(-1);
  const entries = [];
  if (at !== undefined) {
    entries.push(entry("step", hovered === null ? "newest step" : "step", count(at)));
    for (const { name, label, chosen, points, sign } of [shown[0], ...inOrder(state, shown)]) {
      const point = points.find((e) => e.step === at);
      const kind = name === null ? "raw" : chosen ? "ema" : "ema-faint";
      const detail = point && `${count(point.correct)} of ${count(point.n)}`;
      entries.push(entry(kind, label, point ? percent(point.accuracy) : "…", detail, sign));
    }
  }
  const i = nearest(history.training.step, hovered === null ? Infinity : at);
  const last = hovered === null ? history.training.step.length - 1 : i;
  if (last >= 0) entries.push(entry("loss", "loss", significant(history.training.loss[last])));
  setChildren(byId("readout"), ...entries);
}

/** The averages in the run's own order, whichever is chosen. */
function inOrder({ run }, shown) {
  return run.averages.map(({ name }) => shown.find((one) => one.name === name));
}

/** What decay the averages use at the newest step. */
export function renderDecay({ run, history }) {
  const step = history.training.step.at(-1);
  if (!run || step === undefined) return;
  const now = Object.values(history.training.decay).map((values) => significant(values.at(-1), 6));
  setChildren(byId("decay-now"), now.length ? `At step ${count(step)} the decay in use is ${now.join(", ")}.` : "");
}
