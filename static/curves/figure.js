// The accuracy figure as Plotly takes it: the curves with their bands above, the gap between two of them below.

import { stepAxis, toStep } from "./axis.js";
import { gapAxis, gapBars, gapTitle, zeroLine } from "./gap.js";
import { wilson } from "./interval.js";
import { closeUp, risen } from "./range.js";
import { extremes, within } from "./sampling.js";
import { accuracyScale, errorScale } from "./scales.js";
import { bestStep, gaps, series } from "./series.js";
import { axisStyle, baseLayout, faded, note } from "./style.js";

const TITLES = {
  validation: { accuracy: "Validation accuracy", error: "Validation error rate" },
  test: { accuracy: "Test accuracy", error: "Test error rate" },
};
const FEW_POINTS = 40; // up to so many, each evaluation of a curve in front is marked
const SOME_POINTS = 6; // of the others, so many are, where it takes that to tell the averages apart
const MOST_POINTS = 320; // of a curve: there are hardly more pixels
const MOST_FAINT = 160; // of a curve in the background
const MOST_BARS = 160;
const RESET_ROOM = 112; // px: the button that undoes a zoom, in the upper right corner

/** What the curves show, in words. */
export const title = ({ split, measure }) => TITLES[split][measure];

/**
 * { data, layout, axis, below, crowded, empty }: what Plotly draws, the evaluations below the close-up, whether
 * there are more than can be told apart, none at all. `heights` holds the ranges of the y axes that the user has
 * chosen.
 */
export function figure(state, colours, { width, height, heights = {} }) {
  const all = series(state);
  const close = state.view === "closeup" ? closeUp(all.flatMap(({ points }) => points)) : null;
  const axis = stepAxis(state, all[0].points.find((e) => e.step > 0)?.step);
  const shown = all.map((one) => {
    const points = placed(one.points, close, axis);
    const most = one.name === null || one.chosen ? MOST_POINTS : MOST_FAINT;
    return { ...one, points, drawn: sampled(points, axis, (e) => e.accuracy, most) };
  });
  const [raw, ...averages] = shown;
  const chosen = averages.find((one) => one.chosen);
  const others = averages.filter((one) => !one.chosen);
  const inFront = chosen ? [chosen, raw] : [raw];
  const scale = state.measure === "error" ? errorScale : accuracyScale;
  const difference = chosen ? gaps(state) : [];
  const zoomed = Boolean(state.zoomed) || Object.keys(heights).length > 0;
  const visible = difference.filter(({ step }) => step >= (raw.points[0]?.step ?? 0));
  const several = averages.length > 1;
  const data = [
    ...inFront.map((one) => band(one, scale, colours)),
    ...others.map((one) => line(one, scale, colours, several)),
    // Raw is thin and dashed and so comes last: over the bold line it is seen, under it it is not.
    ...inFront.map((one) => line(one, scale, colours, several)),
    ...inFront.map((one) => bestMark(one, state.history, scale, colours)),
    ...(chosen ? gapBars(sampled(visible, axis, ({ share }) => share, MOST_BARS), axis, colours, width) : []),
  ];
  const layout = {
    ...baseLayout(axis, colours, { width, height, anchor: chosen ? "y2" : "y" }),
    yaxis: { ...axisStyle(colours), domain: [chosen ? 0.31 : 0, 1], ...scale.axis(shown, close, inFront) },
    ...(chosen && { yaxis2: { ...axisStyle(colours), domain: [0, 0.21], ...gapAxis(visible) } }),
    annotations: [
      ...(raw.drawn.length > 1 ? [bandNote(state.measure, chosen ? 0.31 : 0, zoomed, colours)] : []),
      ...(chosen ? [note(gapTitle(width, visible), 0.225, colours)] : []),
    ],
    shapes: chosen ? [zeroLine(colours)] : [],
  };
  for (const [name, range] of Object.entries(heights)) {
    if (layout[name]) Object.assign(layout[name], { range, autorange: false });
  }
  const crowded = within(raw.points, toStep(axis, 0), toStep(axis, 1)).length > MOST_BARS;
  return { data, layout, axis, below: close?.below ?? [], crowded, empty: !all[0].points.length };
}

/** The points that have a place in the picture: a logarithmic axis has none for step 0. */
function placed(points, close, { log }) {
  const found = log && points[0]?.step === 0 ? points.slice(1) : points;
  return close ? risen(found, close.range[0]) : found;
}

/** As many of the points in view as can be told apart. */
function sampled(points, axis, valueOf, most) {
  const found = within(points, toStep(axis, 0), toStep(axis, 1));
  return extremes(found.length, (i) => valueOf(found[i]), most).map((i) => found[i]);
}

const colourOf = ({ name, chosen }, colours) => (name === null ? colours.raw : chosen ? colours.ema : colours.faint);

/**
 * What the bands are, in the corner that the curves seldom come to, and not struck through by the grid; the strip of the
 * curves begins at `foot`.
 */
function bandNote(measure, foot, zoomed, colours) {
  const atTop = measure === "error";
  return {
    ...note("shaded: 95\u00a0% interval", atTop ? 1 : foot, colours),
    ...(atTop && { yanchor: "top" }),
    x: 1,
    xanchor: "right",
    xshift: atTop && zoomed ? -RESET_ROOM : -18,
    bgcolor: colours.surface,
  };
}

/** The 95 % interval around each point, there along the upper bounds and back along the lower ones. */
function band(one, scale, colours) {
  const bounds = one.drawn.map((e) => wilson(e.correct, e.n));
  const steps = one.drawn.map((e) => e.step);
  const upper = one.drawn.map((_, i) => scale.y(bounds[i][1]));
  const lower = one.drawn.map((_, i) => scale.y(bounds[i][0]));
  return {
    type: "scatter",
    mode: "none",
    uid: `band-${one.key}`,
    x: [...steps, ...steps.toReversed()],
    y: [...upper, ...lower.toReversed()],
    fill: "toself",
    fillcolor: faded(colourOf(one, colours), one.name === null ? 0.07 : 0.12),
    hoverinfo: "skip",
    showlegend: false,
  };
}

function line(one, scale, colours, several) {
  const raw = one.name === null;
  const colour = colourOf(one, colours);
  const inFront = raw || one.chosen;
  const few = inFront && one.drawn.length <= FEW_POINTS;
  return {
    type: "scatter",
    mode: few || (several && !raw) ? "lines+markers" : "lines",
    name: one.label,
    uid: one.key,
    x: one.drawn.map((e) => e.step),
    y: one.drawn.map((e) => scale.y(e.accuracy)),
    line: { color: colour, width: raw ? 1.5 : one.chosen ? 3 : 1.25, dash: raw ? "5px,4px" : "solid" },
    marker: raw
      ? { size: 5, symbol: "circle-open", color: colour, line: { width: 1.25 } }
      : { size: one.chosen ? 6 : 5, symbol: one.symbol, color: colour, maxdisplayed: few ? 0 : SOME_POINTS },
    hoverinfo: "skip",
  };
}

/** The mark at a curve's best point (by validation, whatever is shown): raw's is open, averaged's filled. */
function bestMark(one, history, scale, colours) {
  const step = bestStep(history, one.name);
  const found = one.points.filter((e) => e.step === step);
  const [raw, colour] = [one.name === null, colourOf(one, colours)];
  return {
    type: "scatter",
    mode: "markers",
    name: raw ? "best raw" : "best averaged",
    uid: `best-${one.key}`,
    x: found.map((e) => e.step),
    y: found.map((e) => scale.y(e.accuracy)),
    marker: {
      size: 12,
      symbol: raw ? "circle-open" : "circle",
      color: colour,
      line: { width: raw ? 2 : 1.5, color: raw ? colour : colours.surface },
    },
    cliponaxis: false,
    hoverinfo: "skip",
  };
}
