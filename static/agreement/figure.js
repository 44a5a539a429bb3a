// The scatter as Plotly takes it: validation accuracy across, test accuracy up.

import { extent } from "../curves/range.js";
import { TICKS } from "../curves/scales.js";
import { axisStyle, isNarrow, note, stepAxisPlace } from "../curves/style.js";

const MOST_POINTS = 400; // of one set of weights: there are hardly more places
const MARGIN = 0.08; // of what is shown, around it
const LEAST_SPAN = 0.2; // percentage points
const TOP = 26; // px, for the caption
const BOTTOM = 42;
const RIGHT = 14;
const NEAR = 24; // px: a point further from the pointer is not meant

/** { data, layout, frame } of `sides` (pairs.js); `frame`: the plot in pixels, and its ranges in percent. */
export function figure(sides, colours, { width, height }) {
  const { left } = stepAxisPlace(width);
  const points = sides.flatMap((side) => side.points);
  const frame = {
    left, top: TOP, width: width - left - RIGHT, height: height - TOP - BOTTOM,
    x: range(points.map(({ validation }) => validation)), y: range(points.map(({ test }) => test)),
  };
  // Raw is hollow and so comes last: over a solid point it is seen, under it it is not.
  const inOrder = sides.toSorted((a, b) => a.raw - b.raw);
  const axis = { ...axisStyle(colours), ...TICKS, fixedrange: true };
  return {
    frame,
    data: [...inOrder.map((side) => dots(side, colours)), ...inOrder.map((side) => bestMark(side, colours)),
      ...inOrder.map((side) => choiceMark(side, colours))],
    layout: {
      width, height, margin: { l: left, r: RIGHT, t: TOP, b: BOTTOM },
      paper_bgcolor: "transparent", plot_bgcolor: "transparent",
      font: { family: colours.font, color: colours.ink },
      showlegend: false, hovermode: false, dragmode: false,
      xaxis: {
        ...axis, range: frame.x, nticks: isNarrow(width) ? 5 : 8, ticks: "outside", ticklen: 4, tickcolor: colours.line,
        title: { text: "validation accuracy", font: { color: colours.muted, size: 12 }, standoff: 8 },
      },
      yaxis: { ...axis, range: frame.y, nticks: 6 },
      annotations: [note("test accuracy", 1.01, colours)],
    },
  };
}

function range(evaluations) {
  const [low, high] = extent(evaluations.map(({ accuracy }) => 100 * accuracy));
  if (low > high) return [0, 100];
  const margin = Math.max(MARGIN * (high - low), (LEAST_SPAN - (high - low)) / 2);
  return [low - margin, Math.min(high + margin, 100 + margin / 2)];
}

const across = ({ validation }) => 100 * validation.accuracy;
const up = ({ test }) => 100 * test.accuracy;
const colourOf = ({ raw }, colours) => (raw ? colours.raw : colours.ema);

function scatter(uid, points, marker) {
  return {
    type: "scatter", mode: "markers", uid, name: uid, x: points.map(across), y: points.map(up), marker,
    cliponaxis: false, hoverinfo: "skip",
  };
}

function dots(side, colours) {
  const every = Math.ceil(side.points.length / MOST_POINTS);
  const color = colourOf(side, colours);
  const kept = side.points.filter((_, i) => (side.points.length - 1 - i) % every === 0);
  return scatter(side.key, kept, side.raw
    ? { size: 6, symbol: "circle-open", color, line: { width: 1.25 } }
    : { size: 6, symbol: "circle", color, opacity: 0.75 });
}

/** What hindsight chooses, as a diamond; nothing where it lies out of what is shown. */
function bestMark(side, colours) {
  const color = colourOf(side, colours);
  const found = side.points.filter((pair) => pair === side.best);
  return scatter(`${side.key}-best`, found, side.raw
    ? { size: 18, symbol: "diamond-open", color, line: { width: 1.75 } }
    : { size: 18, symbol: "diamond", color, line: { width: 1.5, color: colours.surface } });
}

/** What validation chooses, marked as in the chart of the accuracy. */
function choiceMark(side, colours) {
  const color = colourOf(side, colours);
  const found = side.points.filter((pair) => pair === side.choice);
  return scatter(`${side.key}-choice`, found, side.raw
    ? { size: 12, symbol: "circle-open", color, line: { width: 2 } }
    : { size: 12, symbol: "circle", color, line: { width: 1.5, color: colours.surface } });
}

/** Where a pair lies, in pixels from the figure's left and top. */
export function placeOf({ left, top, width, height, x, y }, pair) {
  return {
    x: left + ((across(pair) - x[0]) / (x[1] - x[0])) * width,
    y: top + (1 - (up(pair) - y[0]) / (y[1] - y[0])) * height,
  };
}

/** The step of the point nearest to the place { x, y } in the figure, or null where none is near. */
export function stepNear(sides, frame, { x, y }) {
  let [found, nearest] = [null, NEAR];
  for (const { points } of sides) {
    for (const pair of points) {
      const place = placeOf(frame, pair);
      const far = Math.hypot(place.x - x, place.y - y);
      if (far < nearest) [found, nearest] = [pair.step, far];
    }
  }
  return found;
}
