// The curves as Plotly takes them: a function of the page's state, the colours and the user's zoom.

import { averageLabel } from "../format.js";
import { curve } from "../dashboard/history.js";
import { closeUp } from "./range.js";

const FEW_STEPS = 10; // fewer would be numbered with fractions
const FEW_POINTS = 80; // up to so many, each evaluation is marked
// Plotly's names and the same as text: what tells one average's curve from another's besides its shade.
const SYMBOLS = [
  ["circle", "●"], ["square", "■"], ["diamond", "◆"], ["triangle-up", "▲"],
  ["triangle-down", "▼"], ["star", "★"], ["cross", "✚"], ["x", "✖"],
];

/** The curves of one split: raw first, then every average, the chosen one last and so on top. */
export function series({ run, history, split, average }) {
  const averages = run.averages.map(({ name }, i) => ({
    name,
    label: averageLabel(run, name),
    symbol: SYMBOLS[i % SYMBOLS.length][0],
    sign: SYMBOLS[i % SYMBOLS.length][1],
    chosen: name === average,
    points: curve(history, split, name),
  }));
  averages.sort((a, b) => a.chosen - b.chosen);
  return [{ name: null, label: "raw", points: curve(history, split, null) }, ...averages];
}

function accuracyTrace({ name, label, symbol, chosen, points }, colours) {
  const raw = name === null;
  const colour = raw ? colours.raw : chosen ? colours.ema : colours.emaFaint;
  return {
    type: "scatter",
    mode: points.length <= FEW_POINTS ? "lines+markers" : "lines",
    name: label,
    x: points.map((e) => e.step),
    y: points.map((e) => 100 * e.accuracy),
    line: { color: colour, width: raw ? 1.5 : chosen ? 3 : 1.75, dash: raw ? "5px,4px" : "solid" },
    marker: raw
      ? { size: 5, symbol: "circle-open", color: colour, line: { width: 1.25 } }
      : { size: chosen ? 6 : 5, symbol, color: colour },
    hoverinfo: "none",
  };
}

function lossTrace({ training }, colours) {
  return {
    type: "scatter",
    mode: "lines",
    name: "training loss",
    x: training.step,
    y: training.loss,
    yaxis: "y2",
    line: { color: colours.muted, width: 1.25 },
    hoverinfo: "none",
  };
}

function lastStep({ run, history }, shown) {
  const evaluated = shown.flatMap(({ points }) => points.at(-1)?.step ?? 0);
  const known = Math.max(run.step, history.training.step.at(-1) ?? 0, ...evaluated);
  return known ? Math.max(known, FEW_STEPS) : run.steps;
}

/**
 * { data, layout, below, empty }: what Plotly draws, the evaluations below the close-up, whether there are none
 * at all. `zoom` holds the ranges that the user has chosen, by axis; Plotly's own way of keeping them
 * (uirevision) gives them up as soon as the range beneath changes, which it does with every new point.
 */
export function figure(state, colours, { font, narrow, zoom }) {
  const shown = series(state);
  const close = state.view === "closeup" ? closeUp(shown.flatMap(({ points }) => points)) : null;
  const last = lastStep(state, shown);
  const axis = {
    gridcolor: colours.line,
    linecolor: colours.line,
    zeroline: false,
    tickfont: { color: colours.muted, size: 12 },
    ticklabelstandoff: 4,
  };
  const layout = {
    autosize: true,
    margin: { l: narrow ? 54 : 60, r: 12, t: 8, b: 42 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: font, color: colours.ink },
    showlegend: false,
    hovermode: "x",
    hoverdistance: -1,
    spikedistance: -1,
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: {
      ...axis,
      anchor: "y2",
      range: [-0.012 * last, 1.015 * last],
      tickformat: ",d",
      nticks: narrow ? 5 : 10,
      showgrid: false,
      ticks: "outside",
      ticklen: 4,
      tickcolor: colours.line,
      title: { text: "step", font: { color: colours.muted, size: 12 }, standoff: 8 },
      showspikes: true,
      spikemode: "across",
      spikesnap: "hovered data",
      spikethickness: 1,
      spikedash: "solid",
      spikecolor: colours.muted,
    },
    yaxis: {
      ...axis,
      domain: [0.29, 1],
      nticks: 7,
      ticksuffix: "\u00a0%",
      tickformatstops: [
        { dtickrange: [null, 0.099], value: ".2f" },
        { dtickrange: [0.099, 0.99], value: ".1f" },
        { dtickrange: [0.99, null], value: "d" },
      ],
      ...(close ? { range: close.range.map((share) => 100 * share), autorange: false } : wholeRange(shown)),
    },
    yaxis2: {
      ...axis,
      domain: [0, 0.2],
      type: "log",
      ...lossTicks(state.history.training.loss),
      ...(state.history.training.step.length ? { autorange: true } : { range: [-2, 0.5] }),
    },
    annotations: [note("training loss, logarithmic", 0.21, colours)],
  };
  for (const [name, range] of Object.entries(zoom)) Object.assign(layout[name], { range, autorange: false });
  const data = [...shown.map((one) => accuracyTrace(one, colours)), lossTrace(state.history, colours)];
  return { data, layout, below: close?.below ?? [], empty: !shown[0].points.length };
}

/** All there is; the whole of the axis where there is no curve yet. */
const wholeRange = (shown) => (shown[0].points.length > 1 ? { autorange: true } : { range: [0, 100] });

/** Ticks at so many round values of each decade that two or three of them are seen. */
function lossTicks(losses) {
  const finite = losses.filter((loss) => loss > 0);
  if (!finite.length) return {};
  const [low, high] = [Math.min(...finite), Math.max(...finite)].map(Math.log10);
  const values = [];
  const span = high - low;
  const digits = span < 0.05 || span > 2.5 ? [1] : span < 0.7 ? [1, 1.5, 2, 3, 5, 7] : [1, 3];
  for (let decade = Math.floor(low) - 1; decade <= high + 1; decade += 1) {
    values.push(...digits.map((digit) => digit * 10 ** decade));
  }
  return { tickvals: values, tickformat: "~g" };
}

function note(text, y, colours) {
  return {
    text,
    xref: "paper",
    yref: "paper",
    x: 0,
    y,
    xanchor: "left",
    yanchor: "bottom",
    yshift: -2,
    showarrow: false,
    font: { size: 12, color: colours.muted },
  };
}
