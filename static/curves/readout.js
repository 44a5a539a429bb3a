// The accuracy chart's key and its readings: at the step under the pointer, or else at the shown one.

import { shownStep } from "../dashboard/selection.js";
import { waitingWords } from "../dashboard/sentence.js";
import { byId, element, setChildren } from "../dom.js";
import { count, images, percent, signed } from "../format.js";
import { remembered } from "../memo.js";
import { nearest, series } from "./series.js";

/** An entry of a readout: its key, its name (text or an element), its value, and more on it in its title. */
export function entry(kind, label, value, detail, sign) {
  const symbol = kind === "ema-faint" && sign;
  const key = element("i", { class: `key ${kind}`, "data-symbol": symbol, "aria-hidden": "true" });
  const name = element("dt", {}, key, label);
  return element("div", { class: `entry ${kind}` }, name, element("dd", { title: detail, text: value }));
}

/** Averaged − raw at one step, in percentage points (or images, where those would be rounded to none), and in images. */
export function difference(raw, averaged) {
  const number = averaged.correct - raw.correct;
  if (number === 0) return { points: "none", images: `${count(raw.correct)} of ${count(raw.n)} images by both` };
  const points = (100 * Math.abs(number / raw.n)).toFixed(2);
  const sign = number > 0 ? "+" : "−";
  return {
    points: Number(points) ? `${sign}${points}\u00a0pp` : `${sign}${images(Math.abs(number))}`,
    images: `${signed(number)} of ${count(raw.n)} images`,
  };
}

const waiting = (text) => element("div", { class: "entry" },
  element("dt", { text: "\u00a0" }), element("dd", { class: "waiting", text }));

/** Returns the renderer. */
export function setUpReadout() {
  const show = remembered((run, curves, split, average, measure, pointed) => {
    const shown = series({ run, history: { curves }, split, average });
    const steps = shown[0].points.map((e) => e.step);
    const at = steps[nearest(steps, pointed)];
    if (at === undefined) return setChildren(byId("readout"));
    const found = shown.map(({ points }) => points.find((e) => e.step === at));
    const entries = shown.map(({ name, label, chosen, sign }, i) => {
      const point = found[i];
      const kind = name === null ? "raw" : chosen ? "ema" : "ema-faint";
      const share = point && (measure === "error" ? 1 - point.accuracy : point.accuracy);
      const detail = point && `${count(point.correct)} of ${count(point.n)}`;
      return entry(kind, label, point ? percent(share) : "…", detail, sign);
    });
    const ema = found[shown.findIndex(({ chosen }) => chosen)];
    if (ema) {
      const { points, images: detail } = difference(found[0], ema);
      const label = element("span", {}, "gain", element("span", { class: "spare", text: " by averaging" }));
      entries.push(entry("gap", label, points, detail));
    }
    setChildren(byId("readout"), entry("step", "step", count(at)), ...entries);
  });

  return (state) => {
    const { run, history, split, average, measure, hovered } = state;
    if (!run) return;
    const words = waitingWords(state);
    if (words) setChildren(byId("readout"), waiting(words));
    else show(run, history.curves, split, average, measure, hovered ?? shownStep(state) ?? Infinity);
  };
}
