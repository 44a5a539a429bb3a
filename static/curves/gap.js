// The gap's strip: how far the average is ahead of raw, as bars up and down from zero.

import { evenTicks, roundStep } from "./axis.js";
import { extent } from "./range.js";
import { isNarrow, stepAxisPlace } from "./style.js";

const WIDEST_BAR = 12; // px
const LEAST_GAP = 0.0005; // the strip's height at least, as a share of the images

/** What the strip shows, in words. */
export const gapTitle = (width) =>
  `averaged − raw, percentage points${isNarrow(width) ? "" : ": up where averaged is ahead"}`;

/** A bar from zero to each gap; all bars of one sign are one line with breaks, which is quick to draw. */
export function gapBars(differences, axis, colours, width) {
  // On a logarithmic axis the last ones are close together.
  const room = stepAxisPlace(width).length / Math.max((axis.log ? 3 : 1) * differences.length, 1);
  const widest = Math.max(1, Math.min(WIDEST_BAR, 0.55 * room));
  const bars = (uid, found, colour, wide) => ({
    type: "scatter",
    mode: "lines",
    uid,
    x: found.flatMap(({ step }) => [step, step, null]),
    y: found.flatMap(({ share }) => [0, 100 * share, null]),
    yaxis: "y2",
    line: { color: colour, width: wide, simplify: false },
    hoverinfo: "skip",
    showlegend: false,
  });
  return [
    bars("gap-ahead", differences.filter(({ images }) => images > 0), colours.ema, widest),
    bars("gap-behind", differences.filter(({ images }) => images < 0), colours.raw, Math.max(1, 0.5 * widest)),
  ];
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
