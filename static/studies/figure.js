// The curves of a study as Plotly takes them: each a line over a band from the lowest seed to the highest.

import { figure } from "../compare_runs/figure.js";
import { faded } from "../curves/style.js";

const BAND = 0.1;
const BAND_IN_FRONT = 0.25;

/** { data, layout, frame } as figure() of compare_runs has them, with the bands behind. */
export function studyFigure(curves, options) {
  const { data, layout, frame } = figure(curves, options);
  const bands = curves.filter(({ seeds, run }) => seeds > 1 && (options.emphasised ?? run.id) === run.id)
    .map((one) => band(one, beginning(data, one), options));
  return { data: [...bands, ...data], layout, frame };
}

/** Where the line of a curve begins in the picture. */
const beginning = (data, { run }) => data.find(({ name }) => name.endsWith(` ${run.id}`))?.x[0] ?? 0;

function band({ points, weights }, first, { colours, emphasised }) {
  const shown = points.filter(({ step }) => step >= first);
  const back = shown.toReversed();
  return {
    type: "scatter",
    mode: "lines",
    x: [...shown, ...back].map(({ step }) => step),
    y: [...shown.map(({ highest }) => 100 * highest), ...back.map(({ lowest }) => 100 * lowest)],
    fill: "toself",
    fillcolor: faded(colours[weights], emphasised === null ? BAND : BAND_IN_FRONT),
    line: { width: 0 },
  };
}
