// The curves of a study as Plotly takes them: each a line in its variant's colour over a band from the lowest seed to the
// highest, and where there is room with the variant's name at its end.

import { figure } from "../compare_runs/figure.js";
import { faded } from "../curves/style.js";

const BAND = 0.1;
const BAND_IN_FRONT = 0.25;
const ROOMY = 820; // px: narrower, a letter has to do
const NAME_ROOM = 210; // px

/**
 * { data, layout, frame } as figure() of compare_runs has them, with the bands behind. `variants`: their colours by
 * letter; `names`: what they are called.
 */
export function studyFigure(curves, { variants, names, ...options }) {
  const roomy = options.width >= ROOMY;
  const own = curves.map((one) => ({
    ...one, colour: variants[one.mark.letter], label: roomy ? `${one.mark.letter} ${names[one.run.id]}` : one.mark.letter,
  }));
  const { data, layout, frame } = figure(own, { ...options, ...(roomy && { labelRoom: NAME_ROOM }) });
  const bands = own.filter(({ seeds, run }) => seeds > 1 && (options.emphasised ?? run.id) === run.id)
    .map((one) => band(one, beginning(data, one), options));
  return { data: [...bands, ...data], layout, frame };
}

/** Where the line of a curve begins in the picture. */
const beginning = (data, { run }) => data.find(({ name }) => name.endsWith(` ${run.id}`))?.x[0] ?? 0;

function band({ points, colour }, first, { emphasised }) {
  const shown = points.filter(({ step }) => step >= first);
  const back = shown.toReversed();
  return {
    type: "scatter",
    mode: "lines",
    x: [...shown, ...back].map(({ step }) => step),
    y: [...shown.map(({ highest }) => 100 * highest), ...back.map(({ lowest }) => 100 * lowest)],
    fill: "toself",
    fillcolor: faded(colour, emphasised === null ? BAND : BAND_IN_FRONT),
    line: { width: 0 },
  };
}
