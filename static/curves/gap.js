// The gap's strip: how far the average is ahead of raw, as bars up and down from zero.

import { evenTicks, roundStep, toPlace, toStep } from "./axis.js";
import { extent } from "./range.js";
import { faded, isNarrow, stepAxisPlace } from "./style.js";

const WIDEST_BAR = 12; // px
const SHARE = 0.55; // of the way to the nearest bar
const HOLLOW_FROM = 4; // px: a narrower bar has no room for an edge
const LEAST_GAP = 0.0005; // the strip's height at least, as a share of the images

/** What the strip shows, in words. */
export const gapTitle = (width) =>
  isNarrow(width) ? "gain by averaging, pp; filled: beyond chance"
    : "gain by averaging, percentage points; filled: beyond chance (p < 0.05), pale: could be chance";

/** A bar from zero to each gap; all bars of a kind are one figure, which is quick to draw. */
export function gapBars(differences, axis, colours, width) {
  const pixels = stepAxisPlace(width).length;
  const places = differences.map(({ step }) => toPlace(axis, step) * pixels);
  const all = differences.map((gap, i) => {
    const room = Math.min(places[i] - (places[i - 1] ?? -Infinity), (places[i + 1] ?? Infinity) - places[i]);
    const wide = Math.max(1, Math.min(WIDEST_BAR, SHARE * room)) * (gap.images < 0 ? 0.6 : 1);
    const [left, right] = [-1, 1].map((side) => toStep(axis, (places[i] + (side * wide) / 2) / pixels));
    return { ...gap, left, right, wide };
  });
  const bars = (uid, colour, found) => {
    const clear = uid.endsWith("clear");
    const edge = found.length > 0 && found.every(({ wide }) => wide >= HOLLOW_FROM);
    return {
      type: "scatter",
      mode: "lines",
      uid: `gap-${uid}`,
      x: found.flatMap(({ left, right }) => [left, left, right, right, left, null]),
      y: found.flatMap(({ share }) => [0, 100 * share, 100 * share, 0, 0, null]),
      yaxis: "y2",
      fill: "toself",
      fillcolor: clear ? colour : faded(colour, edge ? 0.22 : 0.45),
      line: { color: colour, width: edge ? 1 : 0, simplify: false },
      hoverinfo: "skip",
      showlegend: false,
    };
  };
  const [ahead, behind] = [all.filter(({ images }) => images > 0), all.filter(({ images }) => images < 0)];
  return [
    bars("ahead-clear", colours.ema, ahead.filter(({ clear }) => clear)),
    bars("ahead-chance", colours.ema, ahead.filter(({ clear }) => !clear)),
    bars("behind-clear", colours.raw, behind.filter(({ clear }) => clear)),
    bars("behind-chance", colours.raw, behind.filter(({ clear }) => !clear)),
  ].filter(({ x }) => x.length);
}

/** Zero is always seen, with some room on both of its sides. */
export function gapAxis(differences) {
  const [least, most] = extent(differences.map(({ share }) => 100 * share));
  const high = Math.max(most, -least / 3, 100 * LEAST_GAP) * 1.15;
  const low = Math.min(least, -most / 3, -100 * LEAST_GAP) * 1.15;
  const range = differences.length ? [low, high] : [-1, 1];
  const step = roundStep((range[1] - range[0]) / 4);
  const tickvals = evenTicks(range[0], range[1], (range[1] - range[0]) / step);
  const text = (value) => (value > 0 ? `+${value}` : `${value}`.replace("-", "−"));
  return { range, tickvals, ticktext: tickvals.map(text) };
}

/** The line from which the bars go up and down. */
export const zeroLine = (colours) => ({
  type: "line", layer: "below", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: 0, y1: 0,
  line: { color: colours.muted, width: 1 },
});
