// The two measures: from a share read right to a value on the y axis, and what that axis is like.
// `axis(shown, close, banded)`: its range and ticks for the shown curves, of which some have bands, and a close-up or
// null. `zoomed(name, range)`: the ticks of a range that the user has chosen. `log`: whether it is logarithmic.

import { logTicks } from "./axis.js";
import { wilson } from "./interval.js";
import { extent } from "./range.js";

const BAND_ROOM = 0.4; // of the close-up's height, that the bands may add to it

/** The share read right. */
export const accuracyScale = {
  log: false,
  y: (share) => 100 * share,
  zoomed: () => ({}),
  axis: (shown, close, banded) => ({
    nticks: 7,
    ticksuffix: "\u00a0%",
    tickformatstops: [
      { dtickrange: [null, 0.099], value: ".2f" },
      { dtickrange: [0.099, 0.99], value: ".1f" },
      { dtickrange: [0.99, null], value: "d" },
    ],
    ...(close ? { range: withBands(close.range, banded).map((share) => 100 * share) } : wholeRange(shown)),
  }),
};

/** The close-up, with the bands' upper ends as long as these do not press the curves flat. */
function withBands([low, high], banded) {
  const [, top] = extent(banded.flatMap(({ points }) => points.map((e) => wilson(e.correct, e.n)[1])));
  return [low, Math.max(high, Math.min(top + 0.03 * (high - low), high + BAND_ROOM * (high - low)))];
}

/** The share read wrong; its logarithmic axis has no place for 0, so half an image stands for none. */
export const errorScale = {
  log: true,
  y: (share, n) => 100 * Math.max(1 - share, 0.5 / n),
  zoomed: (name, [low, high]) => (name === "yaxis" ? errorTicks(10 ** low, 10 ** high) : {}),
  axis: (shown, close, banded) => {
    const errors = shown.flatMap(({ points }) => points.map((e) => errorScale.y(e.accuracy, e.n)));
    if (!errors.length) return { type: "log", range: [-1, 2], ...errorTicks(0.1, 100) };
    const [least, most] = extent(errors);
    const high = close ? Math.min(100 * (1 - close.range[0]), most * 1.15) : Math.min(most * 1.15, 100);
    const [finest] = extent(banded.flatMap(({ points }) => points.map((e) => 100 * (1 - wilson(e.correct, e.n)[1]))));
    const low = Math.max(Math.min(finest / 1.03, least / 1.15), least / 1.4);
    return { type: "log", range: [Math.log10(low), Math.log10(high)], ...errorTicks(low, high) };
  },
};

function errorTicks(low, high) {
  const tickvals = logTicks(low, high);
  return { tickvals, ticktext: tickvals.map((value) => `${value}\u00a0%`) };
}

/** All there is; the whole of the axis where there is no curve yet. */
const wholeRange = (shown) => (shown[0].points.length > 1 ? { autorange: true } : { range: [0, 100] });
