// The state of the run, in words and as a bar.

import { ENDED } from "../curves/axis.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, duration, time } from "../format.js";
import { isWatched } from "./files.js";
import { comparableSteps } from "./selection.js";

const NAMES = {
  queued: "Queued",
  training: "Training",
  finished: "Finished",
  stopped: "Stopped",
  diverged: "Diverged",
  failed: "Failed",
  stalled: "Stalled",
  silent: "Interrupted",
  watched: "Watching",
};
const PATIENCE = 20_000; // ms: a worker that is started by whatever looks after it is there by then

/** The state that a person sees: a run whose worker is gone is stalled, whatever the store says. */
export const shownState = (run) => (run.state === "training" && run.stalled ? "stalled" : run.state);

export const stateName = (run) => NAMES[shownState(run)];

/** What there is to say about the state `shown`; `busy` is the run that a queued one waits for. */
function describe(run, shown, busy, patient) {
  if (isWatched(run)) return describeWatched(run);
  const steps = `${count(run.step)} of ${count(run.steps)} steps`;
  const begin = element("code", { text: "shadowboard work" });
  switch (shown) {
    case "queued":
      if (busy) return [`${resumed(run)}waiting until a worker is free: “${busy.name}” is in training`];
      if (patient) return [`${resumed(run)}waiting for a worker`];
      return [`${resumed(run)}waiting for a worker: start one with `, begin];
    case "silent":
      return [`at ${steps}: ${sign(run)}; waiting until this worker or another goes on`];
    case "stalled":
      return [`at ${steps}: ${sign(run)}; to go on, start one with `, begin];
    case "training":
      if (run.stop_requested) return [`${steps} · stopping…`];
      return [[steps, ...pace(run), ...(run.message ? [run.message] : [])].join(" · ")];
    case "finished":
      return [[steps, ...took(run)].join(" · ")];
    case "stopped":
      return [`at ${steps}`];
    default:
      return [run.message || `at ${steps}`];
  }
}

const sign = (run) =>
  (run.heartbeat_at ? `the worker has given no sign since ${time(run.heartbeat_at)}` : "the worker is gone");

function describeWatched({ state, config, message, latest_checkpoint: last, heartbeat_at: savedAt }) {
  const folder = element("code", { text: config.folder });
  if (state === "stopped") return ["no longer watching ", folder];
  if (last === null) return [message || "waiting for the first checkpoint in ", ...(message ? [] : [folder])];
  return [folder, ` · step ${count(last)} saved at ${time(savedAt)}`, ...activationParts(config), ...(message ? [` · ${message}`] : [])];
}

const TOLD_BY = { checkpoint: ", as its checkpoints tell", graph: ", as the graph beside its checkpoints tells" };

/** The activation of the hidden layers, where there are any and it is no function of somebody's own that reads them. */
function activationParts(config) {
  const { activation, activation_from: from, network, hidden } = config;
  if (network || !hidden?.length) return [];
  if (!isAssumed(config)) return [` · activation: ${activation}${TOLD_BY[from] ?? ""}`];
  const option = element("code", { text: "--activation" });
  option.style.whiteSpace = "nowrap";
  return [` · activation: ${activation}, assumed; `, option, " changes it"];
}

/** Whether neither a checkpoint nor anybody else has said which activation the hidden layers of a watched run have. */
export const isAssumed = ({ activation_from: from, network, hidden }) =>
  from === "assumed" && !network && hidden?.length > 0;

const resumed = (run) => (run.step ? `to go on from step ${count(run.latest_checkpoint ?? 0)}, ` : "");

function pace(run) {
  if (!(run.steps_per_second > 0)) return ["starting: reading the images, compiling the training loop"];
  const left = duration((run.steps - run.step) / run.steps_per_second);
  return [`${count(Math.round(run.steps_per_second))} steps/s`, `${left.startsWith("under") ? "" : "about "}${left} left`];
}

function took(run) {
  return run.started_at && run.finished_at ? [`in ${duration(run.finished_at - run.started_at)}`] : [];
}

/** An ended run's evaluations arrive for a while yet. */
function unfinished(now) {
  const { run, loaded } = now;
  if (!loaded || !ENDED.has(run.state) || run.latest_checkpoint === null) return [];
  const newest = comparableSteps(now).at(-1) ?? -1;
  return newest < run.latest_checkpoint ? [" · not all of its checkpoints are evaluated yet"] : [];
}

/** Returns the renderer. */
export function setUpProgress(state) {
  let alone = ""; // the run that no worker has, and how
  let patient = true; // it has not been so for long: a worker may well come by itself
  let timer;

  function wait(next) {
    if (next === alone) return;
    alone = next;
    patient = true;
    clearTimeout(timer);
    if (!alone) return;
    timer = setTimeout(() => {
      patient = false;
      state.set({});
    }, PATIENCE);
  }

  return (now) => {
    const { run, runs } = now;
    if (!run) return;
    const is = shownState(run);
    const busy = is === "queued" ? runs?.find((other) => shownState(other) === "training") : undefined;
    wait(is === "stalled" || (is === "queued" && !busy) ? `${run.id} ${is}` : "");
    const shown = is === "stalled" && patient ? "silent" : is;
    byId("state").dataset.state = shown;
    setText(byId("state-name"), NAMES[shown]);
    setChildren(byId("state-text"), ...describe(run, shown, busy, patient), ...unfinished(now));
    byId("progress").max = run.steps ?? 1;
    byId("progress").value = run.step;
    byId("progress").hidden = run.steps === null || shown === "finished" || (shown === "queued" && !run.step);
    document.title = title(run);
  };
}

/** The title of the page, which a tab shows: how far the run is, or how it ended. */
export function title(run) {
  const progress = run.state === "training" ? `${Math.floor((100 * run.step) / run.steps)} %` : stateName(run);
  return `${progress} · ${run.name} · Shadowboard`;
}
