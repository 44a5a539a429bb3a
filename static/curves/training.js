// The training panel: loss, learning rate and decay over the same steps as the accuracy.

import { isWatched } from "../dashboard/files.js";
import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, count, significant } from "../format.js";
import { remembered } from "../memo.js";
import { halfLifeWords } from "./half_life.js";
import { setUpPlot } from "./plot.js";
import { entry } from "./readout.js";
import { nearest, weightsOf } from "./series.js";
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

  const show = remembered(renderReadout);

  return (now) => {
    const { run, history, average, hovered } = now;
    if (!run) return;
    show(run, history.training, average, hovered ?? shownStep(now) ?? Infinity);
    render(now);
  };
}

function emptyWords({ run, loaded }) {
  if (!loaded) return "Loading…";
  if (isWatched(run)) return "Another program trains this run, and its checkpoints do not tell the loss.";
  if (run.state === "queued") return "The run has not begun.";
  return run.state === "training" ? "The first steps are under way." : "The run ended before its first report.";
}

/** The values at a step: that under the pointer, or else the shown one. */
function renderReadout(run, training, average, step) {
  const i = nearest(training.step, step);
  if (i < 0) return setChildren(byId("training-readout"));
  const entries = [
    entry("step", "step", count(training.step[i])),
    entry("plain", "loss", significant(training.loss[i])),
    entry("plain", "learning rate", significant(training.learning_rate[i])),
  ];
  for (const { name, chosen, sign } of weightsOf(run, average)) {
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
