// The accuracy chart's key and its readings: at the step under the pointer, or else at the shown one.

import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren } from "../dom.js";
import { count, percent } from "../format.js";
import { nearest, series } from "./series.js";

/** An entry of a readout: its key, its name, its value, and more on it in its title. */
export function entry(kind, label, value, detail, sign) {
  const symbol = kind === "ema-faint" && sign;
  const key = element("i", { class: `key ${kind}`, "data-symbol": symbol, "aria-hidden": "true" });
  const name = element("dt", {}, key, label);
  return element("div", { class: `entry ${kind}` }, name, element("dd", { title: detail, text: value }));
}

/** Averaged − raw at one step, in percentage points and images. */
export function difference(raw, averaged) {
  const images = averaged.correct - raw.correct;
  const sign = images > 0 ? "+" : images < 0 ? "−" : "±";
  const points = (100 * Math.abs(images / raw.n)).toFixed(2);
  return { points: `${sign}${points}\u00a0pp`, images: `${sign}${count(Math.abs(images))} of ${count(raw.n)} images` };
}

export function renderReadout(state) {
  if (!state.run) return;
  const shown = series(state);
  const steps = shown[0].points.map((e) => e.step);
  const at = steps[nearest(steps, state.hovered ?? shownStep(state) ?? Infinity)];
  if (at === undefined) return setChildren(byId("readout"));
  const found = shown.map(({ points }) => points.find((e) => e.step === at));
  const entries = shown.map(({ name, label, chosen, sign }, i) => {
    const point = found[i];
    const kind = name === null ? "raw" : chosen ? "ema" : "ema-faint";
    const share = point && (state.measure === "error" ? 1 - point.accuracy : point.accuracy);
    const detail = point && `${count(point.correct)} of ${count(point.n)}`;
    return entry(kind, label, point ? percent(share) : "…", detail, sign);
  });
  const ema = found[shown.findIndex(({ chosen }) => chosen)];
  if (ema) {
    const { points, images } = difference(found[0], ema);
    entries.push(entry("gap", "averaged − raw", points, images));
  }
  setChildren(byId("readout"), entry("step", "step", count(at)), ...entries);
}
