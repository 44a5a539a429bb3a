// The overlaid curves as Plotly takes them.

import { closeUp, risen } from "../curves/range.js";
import { axisStyle, faded, isNarrow } from "../curves/style.js";
import { curve } from "../dashboard/history.js";
import { markOf } from "./marks.js";
import { place, spread } from "./place.js";

const MANY = 4; // curves
const MARKED = 12; // so many points of a curve carry the run's shape
const LINE = 16; // px: the least distance between two labels
const BESIDE = 40; // px: a curve that ends no further from the right has its letter there
const LETTER = 30; // px: a letter with its arrow, and room beside it
const LEADER = 20; // px from the end of a curve to its label
const FAINT = 0.16;

/** The curves of the ticked runs: { run, mark, weights, points } for raw and the run's best average. */
export function curvesOf({ ticked, runs, histories, averages, split, weights }) {
  return ticked.flatMap((id) => {
    const run = runs.find((one) => one.id === id);
    const history = histories.get(id);
    if (!run || !history) return [];
    const mark = markOf(ticked, id);
    const average = averages.get(id);
    const found = [];
    if (weights !== "ema") found.push({ run, mark, weights: "raw", points: curve(history, split, null) });
    if (weights !== "raw" && average) found.push({ run, mark, weights: "ema", points: curve(history, split, average) });
    return found.filter(({ points }) => points.length);
  });
}

/**
 * { data, layout, frame } of `curves` in a figure of this size, `whole` or close up; `frame` as place.js has it. A curve
 * may have a `colour` and a `label` of its own, for which there are `labelRoom` pixels at the right.
 */
export function figure(curves, { emphasised, colours, width, height, whole = false, labelRoom = isNarrow(width) ? 44 : 60 }) {
  const all = curves.flatMap(({ points }) => points);
  const close = whole ? null : closeUp(all);
  const last = Math.max(1, ...all.map(({ step }) => step));
  const range = (close?.range ?? [Math.min(1, ...all.map((e) => e.accuracy)) - 0.01, 1]).map((share) => 100 * share);
  const margin = { l: isNarrow(width) ? 50 : 58, r: labelRoom, t: 24, b: 42 };
  const inner = { width: width - margin.l - margin.r, height: height - margin.t - margin.b };
  const frame = { left: margin.l, top: margin.t, ...inner, range, last };
  const drawn = curves.map((one) => ({
    ...one,
    points: close ? risen(one.points, close.range[0]) : one.points,
    faint: emphasised !== null && one.run.id !== emphasised,
  })).sort(byDepth);
  return {
    frame,
    data: drawn.map((one) => trace(one, colours, drawn.length > MANY)),
    layout: {
      width, height, margin,
      paper_bgcolor: "transparent", plot_bgcolor: "transparent",
      font: { family: colours.font, color: colours.ink },
      showlegend: false, hovermode: false, dragmode: false,
      xaxis: {
        ...axisStyle(colours), range: [0, last], tickformat: ",d", nticks: isNarrow(width) ? 5 : 10, showgrid: false,
        ticks: "outside", ticklen: 4, tickcolor: colours.line, fixedrange: true,
        title: { text: "step", font: { color: colours.muted, size: 12 }, standoff: 8 },
      },
      yaxis: { ...axisStyle(colours), range, ticksuffix: " %", nticks: 6, fixedrange: true },
      annotations: labels(drawn, colours, frame),
    },
  };
}

/** What is brought forward lies in front, and raw before averaged: thin over bold is seen, under it it is not. */
const byDepth = (a, b) => b.faint - a.faint || (a.weights === "raw") - (b.weights === "raw");

function colourOf({ weights, faint, colour }, colours) {
  const full = colour ?? colours[weights];
  return faint ? faded(full, FAINT) : full;
}

function trace(one, colours, many) {
  const { points, weights, mark, run } = one;
  const colour = colourOf(one, colours);
  const raw = weights === "raw";
  const bold = many ? 2 : 2.75; // fewer pixels where many lines cross
  const every = Math.max(1, Math.round(points.length / MARKED));
  const size = raw ? 6 : 8;
  return {
    type: "scatter",
    name: `${mark.letter} ${weights} ${run.id}`,
    x: points.map((e) => e.step),
    y: points.map((e) => 100 * e.accuracy),
    mode: "lines+markers",
    line: { color: colour, width: raw ? 1.25 : bold, dash: raw ? "4px,3px" : "solid", shape: "linear" },
    marker: {
      symbol: `${mark.symbol}${raw ? "-open" : ""}`,
      // A shape on some of the points: on all they would run into one another. The last one has its letter beside it.
      size: points.map((_, i) => ((points.length - 1 - i) % every ? 0 : size)),
      color: colour,
      opacity: 1,
      line: { color: colour, width: raw ? 1.25 : 0 },
    },
    cliponaxis: false,
  };
}

/**
 * The runs' letters: at the right those of curves that end there, the others above the picture, outside all curves, or at
 * its foot where the run lies beneath it.
 */
function labels(drawn, colours, frame) {
  const foot = frame.height - LINE / 2;
  const ends = drawn.map((one) => {
    const { x, y } = place(frame, one.points.at(-1));
    return { one, x, y: Math.min(y, foot), beneath: y > frame.height };
  });
  const right = ends.filter(({ x }) => frame.width - x < BESIDE).sort((a, b) => a.y - b.y);
  const heights = spread(right.map(({ y }) => y), LINE, foot);
  // Of a run that ends earlier, one letter for both curves, above the end of the lower one.
  const early = ends.filter((end) => !right.includes(end)).sort((a, b) => a.beneath - b.beneath || b.y - a.y);
  const lettered = early.filter(({ one }, i) => early.findIndex((end) => end.one.run === one.run) === i).sort((a, b) => a.x - b.x);
  const [above, below] = [lettered.filter(({ beneath }) => !beneath), lettered.filter(({ beneath }) => beneath)];
  const places = spread(above.map(({ x }) => x), LINE, frame.width);
  const apart = Math.min(LETTER, (frame.width - LETTER) / Math.max(1, below.length - 1));
  const feet = spread(below.map(({ x }) => Math.max(x, LETTER / 2)), apart, frame.width - LETTER / 2);
  return [
    ...right.map((end, i) => besideLabel(end, heights[i], colours, frame)),
    ...above.map((end, i) => aboveLabel(end, places[i], colours, frame)),
    ...below.map((end, i) => footLabel(end, feet[i], colours, frame)),
  ];
}

/** What a label has in common; a run that does not come into the picture has an arrow that says so. */
function label({ one, y, beneath }, colour, { range: [low, high], height }) {
  const { label: name = one.mark.letter, points } = one;
  return {
    text: beneath ? `${name} ↓` : name,
    x: points.at(-1).step, y: high - (y / height) * (high - low),
    showarrow: true, arrowhead: 0, arrowwidth: 1, borderpad: 1,
    font: { size: 13, color: colour, weight: one.weights === "raw" ? 400 : 700 },
  };
}

function besideLabel(end, height, colours, frame) {
  const colour = colourOf(end.one, colours);
  return {
    ...label(end, colour, frame),
    xanchor: "left", yanchor: "middle", standoff: 5, arrowcolor: end.beneath ? "transparent" : colour,
    ax: frame.width - end.x + LEADER, ay: height - end.y,
  };
}

/** Of both curves of a run that ends early. */
function earlyLabel(end, { ink }, frame) {
  const { faint, mark, colour = ink } = end.one;
  const made = label({ ...end, one: { ...end.one, label: mark.letter } }, faint ? faded(colour, FAINT) : colour, frame);
  return { ...made, font: { ...made.font, weight: 700 }, xanchor: "center", yanchor: "bottom" };
}

function aboveLabel(end, across, colours, frame) {
  const { faint, colour = colours.ink } = end.one;
  return {
    ...earlyLabel(end, colours, frame),
    standoff: 5, arrowcolor: faded(colour, faint ? FAINT / 2 : FAINT), ax: across - end.x, ay: -end.y - 2,
  };
}

/** No line leads from here: where the curve ends is not to be seen. */
const footLabel = (end, across, colours, frame) => ({
  ...earlyLabel(end, colours, frame),
  showarrow: false, x: (across / frame.width) * frame.last, yanchor: "middle",
});
