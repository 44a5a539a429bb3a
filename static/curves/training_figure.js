// The training figure as Plotly takes it: loss, learning rate, and each average's decay, one above the other.

import { evenTicks, logTicks, roundStep, stepAxis } from "./axis.js";
import { halfLife, halfLifeWords } from "./half_life.js";
import { extent } from "./range.js";
import { extremes } from "./sampling.js";
import { weightsOf } from "./series.js";
import { axisStyle, baseLayout, isNarrow, note } from "./style.js";

const MOST_POINTS = 320; // of a line: there are hardly more pixels
const ROUND_DECAYS = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
const SOME_POINTS = 6; // of an average's line are marked, where the run keeps several
const LONE = 7; // px: the mark of a line that has one point
const MOST_DECADES = 5; // of the loss are labelled
const MANY_DIGITS = 1e6; // and greater is labelled as a power of ten

/** { data, layout, axis, empty } for Plotly. `heights`: the ranges of the y axes that the user has chosen. */
export function trainingFigure(state, colours, { width, height, heights }) {
  const { training } = state.history;
  const averages = weightsOf(state.run, state.average).filter(({ name }) => name !== null && training.decay[name]);
  const first = training.step.find((step) => step > 0);
  const axis = stepAxis(state, first);
  const kept = extremes(training.step.length, (i) => training.loss[i], MOST_POINTS);
  const strips = averages.length ? [[0.67, 1], [0.385, 0.545], [0, 0.26]] : [[0.5, 1], [0, 0.35]];
  const names = ["loss on the batches it learns from, logarithmic", "learning rate",
    `decay in use, and ${isNarrow(width) ? "its half-life" : "after how many steps it has halved a weight's share"}`];
  const steps = kept.map((i) => training.step[i]);
  const pick = (values) => kept.map((i) => values[i]);
  const inFront = [...averages.filter(({ chosen }) => !chosen), ...averages.filter(({ chosen }) => chosen)];
  const decay = decayAxis(averages.flatMap(({ name }) => training.decay[name]), colours);
  const layout = {
    ...baseLayout(axis, colours, { width, height, anchor: averages.length ? "y3" : "y2" }),
    yaxis: { ...axisStyle(colours), domain: strips[0], ...lossAxis(training.loss, heights.yaxis) },
    yaxis2: { ...axisStyle(colours), domain: strips[1], ...rateAxis(training.learning_rate) },
    ...(averages.length && { yaxis3: { ...axisStyle(colours), domain: strips[2], ...decay.axis } }),
    annotations: [
      ...strips.map(([, top], i) => note(names[i], top + 0.012, colours)),
      ...(averages.length ? decay.notes : []),
    ],
  };
  layout.margin.t = 26;
  for (const [name, range] of Object.entries(heights)) {
    if (layout[name]) Object.assign(layout[name], { range, autorange: false });
  }
  const data = [
    line("loss", steps, pick(training.loss), "y", { color: colours.ink, width: 1.25 }),
    line("rate", steps, pick(training.learning_rate), "y2", { color: colours.ink, width: 1.75 }),
    ...inFront.map((one) => decayLine(one, steps, pick(training.decay[one.name]), averages.length > 1, colours)),
  ];
  return { data, layout, axis, empty: !training.step.length };
}

/** A line through the points; of a single one there is no line, so it is marked. */
function line(uid, x, y, yaxis, look) {
  const mode = y.filter((value) => value !== null).length === 1 ? "markers" : "lines";
  const marker = { color: look.color, size: LONE };
  return { type: "scatter", mode, uid, x, y, yaxis, line: look, marker, hoverinfo: "skip" };
}

function decayLine({ key, chosen, symbol }, steps, decays, several, colours) {
  const color = chosen ? colours.ema : colours.faint;
  const drawn = line(key, steps, decays.map(halfLife), "y3", { color, width: chosen ? 3 : 1.75 });
  if (!several) return drawn;
  return { ...drawn, mode: "lines+markers", marker: { symbol, size: 7, color, maxdisplayed: SOME_POINTS } };
}

/** `chosen`: the range, in powers of ten, that the user has zoomed to. */
function lossAxis(losses, chosen) {
  const [least, most] = extent(losses.filter((loss) => loss > 0));
  if (least > most) return { type: "log", range: [-2, 0.5] };
  const range = chosen ?? [Math.log10(least / 1.2), Math.log10(most * 1.2)];
  const tickvals = logTicks(10 ** range[0], 10 ** range[1], MOST_DECADES);
  return { type: "log", range, tickvals, ticktext: tickvals.map(lossText) };
}

const lossText = (loss) => (loss < MANY_DIGITS ? String(loss) : loss.toExponential().replace("e+", "e"));

function rateAxis(rates) {
  const [, most] = extent(rates.filter((rate) => rate !== null));
  const high = most > 0 ? most * 1.15 : 1;
  const step = roundStep(high / 3);
  const tickvals = evenTicks(0, high, high / step);
  return { range: [0, high], tickvals, ticktext: tickvals.map(String) };
}

/** Evenly spaced by the logarithm of the half-life, and so nowhere crowded near 1; both readings at each line. */
function decayAxis(decays, colours) {
  const [least, most] = extent(decays.map(halfLife).filter((steps) => steps !== null));
  const [low, high] = least > most ? [1, 1000] : [least / 2, most * 2.5];
  const shown = ROUND_DECAYS.filter((decay) => halfLife(decay) >= low && halfLife(decay) <= high);
  const ticks = shown.length ? shown : decays.slice(-1);
  return {
    axis: {
      type: "log",
      range: [Math.log10(low), Math.log10(high)],
      tickvals: ticks.map(halfLife),
      ticktext: ticks.map(String),
    },
    notes: ticks.map((decay) => ({
      text: halfLifeWords(decay),
      xref: "paper", x: 1, xanchor: "right", xshift: -18,
      yref: "y3", y: Math.log10(halfLife(decay)), yanchor: "bottom",
      showarrow: false,
      font: { size: 11.5, color: colours.muted },
    })),
  };
}
