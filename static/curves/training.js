// The training panel: loss, learning rate and decay over the same steps as the accuracy.

import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, count, significant } from "../format.js";
import { halfLifeWords } from "./half_life.js";
import { setUpPlot } from "./plot.js";
import { entry } from "./readout.js";
import { nearest, series } from "./series.js";
import { trainingFigure } from "./training_figure.js";

/** Wire the panel; returns the renderer. */
export function setUpTraining(state) {
  const render = setUpPlot(state, byId("training-frame"), {
    basis: ({ run, history, average }) => [run.state, run.steps, history.training, average],
    picture: ({ run, scale }) => `${run.id} ${scale}`,
    make: trainingFigure,
    stepsOf: ({ history }) => history.training.step,
    onDrawn: (now, made) => setText(byId("training-note"), made.empty ? emptyWords(now) : ""),
  });

  return (now) => {
    if (!now.run) return;
    renderTrainingReadout(now);
    render(now);
  };
}

function emptyWords({ run, loaded }) {
  if (!loaded) return "Loading…";
  if (run.state === "queued") return "The run has not begun.";
  return run.state === "training" ? "The first steps are under way." : "The run ended before its first report.";
}

/** The values at the step under the pointer, or else at the shown one. */
function renderTrainingReadout(now) {
  const { run, history: { training }, hovered } = now;
  const i = nearest(training.step, hovered ?? shownStep(now) ?? Infinity);
  if (i < 0) return setChildren(byId("training-readout"));
  const entries = [
    entry("step", "step", count(training.step[i])),
    entry("plain", "loss", significant(training.loss[i])),
    entry("plain", "learning rate", significant(training.learning_rate[i])),
  ];
  for (const { name, chosen, sign } of series(now)) {
    const decay = training.decay[name]?.[i];
    if (decay === undefined) continue;
    const label = run.averages.length > 1 ? averageLabel(run, name).replace("averaged", "decay of") : "decay";
    const one = entry(chosen ? "ema" : "ema-faint", label, significant(decay, 6), null, sign);
    one.lastChild.append(element("small", { text: ` half-life ${halfLifeWords(decay)}` }));
    entries.push(one);
  }
  setChildren(byId("training-readout"), ...entries);
  byId("training-chart").setAttribute("aria-label", `Training by step. ${spoken(entries)}`);
}

const spoken = (entries) =>
  entries.map(({ children: [name, value] }) => `${name.textContent} ${value.textContent}`).join(", ");
