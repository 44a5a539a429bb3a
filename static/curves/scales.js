// The two measures: from a share read right to a value on the y axis, and what that axis is like.
// `axis(shown, close, banded)`: its range and ticks for the shown curves, of which some have bands, and a close-up or
// null.

import { wilson } from "./interval.js";
import { extent } from "./range.js";

const BAND_ROOM = 0.4; // of the close-up's height, that the bands may add to it

/** Of an axis in percent. */
export const TICKS = {
  nticks: 7,
  ticksuffix: "\u00a0%",
  tickformatstops: [
    { dtickrange: [null, 0.099], value: ".2f" },
    { dtickrange: [0.099, 0.99], value: ".1f" },
    { dtickrange: [0.99, null], value: "d" },
  ],
};

/** The share read right. */
export const accuracyScale = scale((share) => 100 * share);

/** The share read wrong. */
export const errorScale = scale((share) => 100 * (1 - share));

function scale(y) {
  return {
    y,
    axis: (shown, close, banded) => ({
      ...TICKS,
      ...(close ? { range: withBands(close.range, banded).map(y).sort((a, b) => a - b) } : wholeRange(shown)),
    }),
  };
}

/** The close-up, with the bands' upper ends as long as these do not press the curves flat. */
function withBands([low, high], banded) {
  const [, top] = extent(banded.flatMap(({ points }) => points.map((e) => wilson(e.correct, e.n)[1])));
  return [low, Math.max(high, Math.min(top + 0.03 * (high - low), high + BAND_ROOM * (high - low)))];
}

/** All there is; the whole of the axis where there is no curve yet. */
const wholeRange = (shown) => (shown[0].points.length > 1 ? { autorange: true } : { range: [0, 100] });
