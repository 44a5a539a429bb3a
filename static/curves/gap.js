// The gap's strip: how far the average is ahead of raw, as bars up and down from zero.

import { evenTicks, roundStep, toPlace, toStep } from "./axis.js";
import { extent } from "./range.js";
import { faded, isNarrow, stepAxisPlace } from "./style.js";

const WIDEST_BAR = 12; // px
const SHARE = 0.55; // of the way to the nearest bar
const HOLLOW_FROM = 4; // px: a narrower bar has no room for an edge
const KINDS = ["clear", "chance", "untested"];
const LEAST_GAP = 0.0005; // the strip's height at least, as a share of the images

/** What the strip shows, in words: how bars look that are beyond chance, and those of `differences` that are not. */
export function gapTitle(width, differences) {
  const some = differences.some(({ kind, images }) => kind === "untested" && images);
  if (isNarrow(width)) return `gain by averaging, pp; ${some ? "outline: not tested yet" : "filled: beyond chance"}`;
  const untested = some ? ", outline: not tested yet" : "";
  return `gain by averaging, percentage points; filled: beyond chance (p < 0.05), pale: could be chance${untested}`;
}

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
  const bars = (side, kind, colour, found) => {
    const edge = found.length > 0 && found.every(({ wide }) => wide >= HOLLOW_FROM);
    const fill = { clear: colour, chance: faded(colour, edge ? 0.22 : 0.45), untested: "transparent" }[kind];
    return {
      type: "scatter",
      mode: "lines",
      uid: `gap-${side}-${kind}`,
      x: found.flatMap(({ left, right }) => [left, left, right, right, left, null]),
      y: found.flatMap(({ share }) => [0, 100 * share, 100 * share, 0, 0, null]),
      yaxis: "y2",
      fill: "toself",
      fillcolor: fill,
      line: { color: colour, width: edge || kind === "untested" ? 1 : 0, simplify: false },
      hoverinfo: "skip",
      showlegend: false,
    };
  };
  const sides = [["ahead", colours.ema, 1], ["behind", colours.raw, -1]];
  return sides
    .flatMap(([side, colour, sign]) => KINDS.map((kind) =>
      bars(side, kind, colour, all.filter((gap) => gap.kind === kind && Math.sign(gap.images) === sign))))
    .filter(({ x }) => x.length);
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
