// The accuracy figure as Plotly takes it: the curves with their bands above, the gap between two of them below.

import { stepAxis, toPlace, toStep } from "./axis.js";
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
const FEW_POINTS = 80; // up to so many, each evaluation is marked
const SOME_POINTS = 6; // beyond, so many are, where it takes that to tell the averages apart
const MOST_POINTS = 320; // of a curve, and bars: there are hardly more pixels
const MOST_FAINT = 160; // of a curve in the background

/** What the curves show, in words. */
export const title = ({ split, measure }) => TITLES[split][measure];

/**
 * { data, layout, axis, below, perfect, crowded, empty }: what Plotly draws, the evaluations below the close-up,
 * whether there are some without any error, more than can be told apart, none at all. `heights` holds the ranges
 * of the y axes that the user has chosen.
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
  const difference = chosen ? gaps(state.history, state.split, state.average) : [];
  const visible = difference.filter(({ step }) => step >= (raw.points[0]?.step ?? 0));
  const several = averages.length > 1;
  const best = bestPoints(inFront, state.history, colours);
  const data = [
    ...inFront.map((one) => band(one, scale, colours)),
    ...others.map((one) => line(one, scale, colours, several)),
    // Raw is thin and dashed and so comes last: over the bold line it is seen, under it it is not.
    ...inFront.map((one) => line(one, scale, colours, several)),
    bestMarks(best, scale, colours),
    ...(chosen ? gapBars(sampled(visible, axis, ({ share }) => share, MOST_POINTS), axis, colours, width) : []),
  ];
  const layout = {
    ...baseLayout(axis, colours, { width, height, anchor: chosen ? "y2" : "y" }),
    yaxis: { ...axisStyle(colours), domain: [chosen ? 0.31 : 0, 1], ...scale.axis(shown, close, inFront) },
    ...(chosen && { yaxis2: { ...axisStyle(colours), domain: [0, 0.21], ...gapAxis(visible) } }),
    annotations: [
      ...best.map((one) => bestName(one, axis, scale, colours)),
      ...(chosen ? [note(gapTitle(width), 0.225, colours)] : []),
    ],
    shapes: chosen ? [zeroLine(colours)] : [],
  };
  for (const [name, range] of Object.entries(heights)) {
    if (layout[name]) Object.assign(layout[name], { range, autorange: false, ...scale.zoomed(name, range) });
  }
  const perfect = state.measure === "error" && shown.some(({ points }) => points.some((e) => e.correct === e.n));
  const crowded = within(raw.points, toStep(axis, 0), toStep(axis, 1)).length > MOST_POINTS;
  return { data, layout, axis, below: close?.below ?? [], perfect, crowded, empty: !all[0].points.length };
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

/** The 95 % interval around each point, there along the upper bounds and back along the lower ones. */
function band(one, scale, colours) {
  const bounds = one.drawn.map((e) => wilson(e.correct, e.n));
  const steps = one.drawn.map((e) => e.step);
  const upper = one.drawn.map((e, i) => scale.y(bounds[i][1], e.n));
  const lower = one.drawn.map((e, i) => scale.y(bounds[i][0], e.n));
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
  const few = one.drawn.length <= FEW_POINTS;
  return {
    type: "scatter",
    mode: few || (several && !raw) ? "lines+markers" : "lines",
    name: one.label,
    uid: one.key,
    x: one.drawn.map((e) => e.step),
    y: one.drawn.map((e) => scale.y(e.accuracy, e.n)),
    line: { color: colour, width: raw ? 1.5 : one.chosen ? 3 : 1.75, dash: raw ? "5px,4px" : "solid" },
    marker: raw
      ? { size: 5, symbol: "circle-open", color: colour, line: { width: 1.25 } }
      : { size: one.chosen ? 6 : 5, symbol: one.symbol, color: colour, maxdisplayed: few ? 0 : SOME_POINTS },
    hoverinfo: "skip",
  };
}

/** The best points of raw and of the chosen average (by validation, whatever is shown): { one, point, colour }. */
function bestPoints(curves, history, colours) {
  return curves.flatMap((one) => {
    const step = bestStep(history, one.name);
    const point = one.points.find((e) => e.step === step);
    return point ? [{ one, point, colour: colourOf(one, colours) }] : [];
  });
}

/** Raw's mark is open, averaged's filled. */
function bestMarks(found, scale, colours) {
  const isRaw = ({ one }) => one.name === null;
  return {
    type: "scatter",
    mode: "markers",
    uid: "best",
    x: found.map(({ point }) => point.step),
    y: found.map(({ point }) => scale.y(point.accuracy, point.n)),
    marker: {
      size: 11,
      symbol: found.map((best) => (isRaw(best) ? "circle-open" : "circle")),
      color: found.map(({ colour }) => colour),
      line: {
        width: found.map((best) => (isRaw(best) ? 2 : 1.5)),
        color: found.map((best) => (isRaw(best) ? best.colour : colours.surface)),
      },
    },
    cliponaxis: false,
    hoverinfo: "skip",
    showlegend: false,
  };
}

/** Averaged's name on its better side, raw's on its worse one, towards the middle where the mark is near an end. */
function bestName({ one, point, colour }, axis, scale, colours) {
  const place = toPlace(axis, point.step);
  const up = (one.name === null) === (scale.log);
  const value = scale.y(point.accuracy, point.n);
  return {
    text: one.name === null ? "best raw" : "best averaged",
    x: axis.log ? Math.log10(point.step) : point.step,
    y: scale.log ? Math.log10(value) : value,
    xanchor: place > 0.85 ? "right" : place < 0.15 ? "left" : "center",
    yanchor: up ? "bottom" : "top",
    yshift: up ? 8 : -8,
    showarrow: false,
    bgcolor: faded(colours.surface, 0.8),
    borderpad: 1,
    visible: place >= 0 && place <= 1,
    font: { size: 11.5, color: colour, weight: one.name === null ? 400 : 650 },
  };
}
