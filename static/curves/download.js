// The curves to take away: the numbers as CSV, the picture as PNG, both made in the page.

import { compareRun } from "../api.js";
import { curve, rows } from "../dashboard/history.js";
import { byId } from "../dom.js";
import { count, decayName } from "../format.js";
import { save } from "../save.js";
import { figure, title } from "./figure.js";
import { wilson } from "./interval.js";
import { shownStep } from "../dashboard/selection.js";
import { style } from "./style.js";

const WIDTH = 1200;
const HEIGHT = 750;
const SHARPNESS = 2; // pixels of the picture for each of these

/** Wire the two buttons. */
export function setUpDownloads(state) {
  byId("download-csv").addEventListener("click", async () => {
    const now = state.get();
    const { run, split } = now;
    let comparisons = [];
    try {
      comparisons = await Promise.all(run.averages.map(({ name }) => compareRun(run.id, split, name)));
    } catch (problem) {
      state.set({ notice: `The table lacks the differences: ${problem.message}` });
    }
    save(new Blob([toCsv(now, comparisons)], { type: "text/csv" }), `${fileName(now)}.csv`);
  });
  byId("download-png").addEventListener("click", async () => {
    const now = state.get();
    if (!window.Plotly) return state.set({ notice: "The chart library is still loading." });
    const address = await window.Plotly.toImage(picture(now, style()), { format: "png", scale: SHARPNESS });
    save(toBlob(address), `${fileName(now)}.png`);
  });
}

/**
 * All evaluations of the shown images: a line for each step, for each set of weights five columns, and for each average
 * four more, on how it differs from the raw weights. `comparisons`: GET /runs/{id}/comparison of each average.
 */
export function toCsv({ run, history, split }, comparisons) {
  const names = run.averages.map(({ name }) => name);
  const labels = ["raw", ...run.averages.map((average) => `averaged_${decayName(average).replace(" ", "_")}`)];
  const columns = ["correct", "n", "accuracy", "low", "high"];
  const paired = ["difference", "only_raw", "only_averaged", "p_value"];
  const headOf = (label, place) => [...columns, ...(place ? paired : [])].map((column) => `${label}_${column}`);
  const head = ["step", ...labels.flatMap(headOf)];
  const interval = (e) => wilson(e.correct, e.n).map((bound) => bound.toFixed(6));
  const cells = (e) => (e ? [e.correct, e.n, e.accuracy, ...interval(e)] : columns.map(() => ""));
  const differences = names.map((_, i) => pairedByStep(comparisons[i]));
  const pairedCells = (step, i) => differences[i].get(step) ?? paired.map(() => "");
  const lines = rows(history, split, names).map(({ step, raw, averaged }) =>
    [step, ...cells(raw), ...averaged.flatMap((e, i) => [...cells(e), ...pairedCells(step, i)])]);
  return [head, ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

/** By step: images that the average reads right more, that only one of the two does, and McNemar's p. */
function pairedByStep(comparison) {
  const { step, only_raw: onlyRaw, only_ema: onlyAveraged, p_value: p } = comparison ?? { step: [] };
  return new Map(step.map((at, i) => [at, [onlyAveraged[i] - onlyRaw[i], onlyRaw[i], onlyAveraged[i], p[i]]]));
}

/** The name of a file: the run's, in letters that every system takes, its id, and the images. */
export function fileName({ run, split }) {
  const name = run.name.normalize("NFKD").replace(/[^\w.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 60);
  return [name, run.id, split].filter(Boolean).join("-");
}

/** What the figure is of, in one line: the run and the images. */
function caption({ run, history, split }) {
  const n = curve(history, split, null)[0]?.n;
  const images = n === undefined ? `${split} images` : `${count(n)} ${split} images`;
  return [`run ${run.id}`, `seed ${run.config.seed}`, images].join(" · ");
}

/** The figure as it is on the page, with a title, a legend, a caption, and the page's background. */
function picture(now, colours) {
  const { data, layout, axis } = figure(now, colours, { width: WIDTH, height: HEIGHT });
  const step = shownStep(now);
  const at = axis.log ? Math.log10(step) : step;
  const line = { type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { color: colours.ink, width: 1 } };
  return {
    data,
    layout: {
      ...layout,
      paper_bgcolor: colours.surface,
      plot_bgcolor: colours.surface,
      margin: { ...layout.margin, t: 96, l: 76, r: 28, b: 84 },
      annotations: [...layout.annotations, {
        text: escaped(caption(now)), xref: "paper", x: 0, xanchor: "left", yref: "paper", y: 0, yanchor: "top",
        yshift: -56, showarrow: false, font: { size: 14, color: colours.muted },
      }],
      title: {
        text: `${escaped(now.run.name || now.run.id)}: ${title(now).toLowerCase()}`,
        x: 0, xref: "paper", xanchor: "left", y: 0.965, yanchor: "top", font: { size: 20, color: colours.ink },
      },
      showlegend: true,
      legend: {
        orientation: "h", traceorder: "reversed", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom",
        font: { size: 14, color: colours.ink },
      },
      shapes: [...layout.shapes, ...(step === null || (axis.log && step === 0) ? [] : [line])],
    },
    config: { plotlyServerURL: "", showSendToCloud: false },
  };
}

/** Plotly takes markup in its texts; a run's name is none. */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The bytes of a `data:` address, without a request, which the page's policy refuses. */
function toBlob(address) {
  const bytes = Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}
