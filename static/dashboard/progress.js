// The state of the run in words and as a bar, and the button that stops it.

import { stopRun } from "../api.js";
import { confirmed } from "../confirm.js";
import { byId, setChildren, setText, element } from "../dom.js";
import { count, duration, time } from "../format.js";

const NAMES = {
  queued: "Queued",
  training: "Training",
  finished: "Finished",
  stopped: "Stopped",
  diverged: "Diverged",
  failed: "Failed",
  stalled: "Stalled",
};

/** The state that a person sees: a run whose worker is gone is stalled, whatever the store says. */
export const shownState = (run) => (run.state === "training" && run.stalled ? "stalled" : run.state);

export const stateName = (run) => NAMES[shownState(run)];

/** What there is to say about the state, as text and `code` elements. */
function describe(run) {
  const steps = `${count(run.step)} of ${count(run.steps)} steps`;
  const begin = element("code", { text: "shadowboard work" });
  switch (shownState(run)) {
    case "queued":
      return ["waiting for a worker: start one with ", begin];
    case "stalled": {
      const sign = run.heartbeat_at ? `the worker has given no sign since ${time(run.heartbeat_at)}` : "the worker is gone";
      return [`at ${steps}: ${sign}; to go on, start one with `, begin];
    }
    case "training":
      return [run.stop_requested ? `${steps} · stopping…` : [steps, ...pace(run)].join(" · ")];
    case "finished":
      return [[steps, ...took(run)].join(" · ")];
    case "stopped":
      return [`at ${steps}; to go on: `, element("code", { text: `shadowboard train --resume ${run.id}` })];
    default:
      return [run.message || `at ${steps}`];
  }
}

function pace(run) {
  if (!(run.steps_per_second > 0)) return [];
  const left = duration((run.steps - run.step) / run.steps_per_second);
  return [`${count(Math.round(run.steps_per_second))} steps/s`, `${left.startsWith("under") ? "" : "about "}${left} left`];
}

function took(run) {
  return run.started_at && run.finished_at ? [`in ${duration(run.finished_at - run.started_at)}`] : [];
}

async function askToStop(state) {
  const { run } = state.get();
  const training = run.state === "training";
  const agreed = await confirmed(
    training ? "Stop this run?" : "Take this run off the queue?",
    training
      ? `“${run.name}” is at step ${count(run.step)} of ${count(run.steps)}. ` +
        "It stops within a moment; its checkpoints and curves stay."
      : `“${run.name}” has not begun. It will be listed as stopped.`,
    training ? "Stop the run" : "Take it off",
    training ? "Keep training" : "Keep it queued",
  );
  if (!agreed) return;
  try {
    const answer = await stopRun(run.id);
    const now = state.get().run;
    // The step is left to the events, which come in order.
    if (now?.id === answer.id) state.set({ run: { ...answer, step: now.step } });
  } catch (problem) {
    state.set({ notice: `The run could not be stopped: ${problem.message}` });
  }
}

/** Wire the stop button; returns the renderer. */
export function setUpProgress(state) {
  const stop = byId("stop");
  stop.addEventListener("click", () => askToStop(state));

  return ({ run }) => {
    if (!run) return;
    const shown = shownState(run);
    byId("state").dataset.state = shown;
    setText(byId("state-name"), NAMES[shown]);
    setChildren(byId("state-text"), ...describe(run));
    byId("progress").max = run.steps;
    byId("progress").value = run.step;
    byId("progress").hidden = shown === "finished" || shown === "queued";
    stop.hidden = run.state !== "training" && run.state !== "queued";
    setText(stop, run.state === "queued" ? "Take off the queue" : "Stop");
    stop.disabled = run.stop_requested;
    document.title = `${title(run)} · ${run.name} · Shadowboard`;
  };
}

function title(run) {
  return run.state === "training" ? `${Math.floor((100 * run.step) / run.steps)} %` : stateName(run);
}
