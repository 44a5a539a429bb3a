// How far a study is, in words and as a bar.

import { byId, element, setChildren, setText } from "../dom.js";
import { count, duration } from "../format.js";

const NAMES = {
  queued: "Queued", training: "Training", evaluating: "Evaluating", stopped: "Stopped", finished: "Finished",
};

/** The states in which something will change by itself. */
export const GOING_ON = new Set(["queued", "training", "evaluating"]);

export const stateName = ({ state }) => NAMES[state];

const ended = ({ states }) => (states.finished ?? 0) + (states.diverged ?? 0) + (states.failed ?? 0);

/** What did not come to its end as planned: "1 diverged, 2 failed". */
function lost({ runs, states }) {
  const there = Object.values(states).reduce((sum, number) => sum + number, 0);
  const deleted = runs - there;
  const found = [...["diverged", "failed", "stopped"].map((state) => [state, states[state]]), ["deleted", deleted]];
  return found.filter(([, number]) => number).map(([word, number]) => `${count(number)} ${word}`).join(", ");
}

/** How far it is, in a few words. */
export function progressText(progress) {
  const { state, runs, evaluations, evaluations_due: due, seconds_left: left } = progress;
  const parts = [`${count(ended(progress))} of ${count(runs)} runs`];
  if (state === "finished") parts[0] = `${count(runs)} runs`;
  if (state === "evaluating") parts.push(`${count(evaluations)} of ${count(due)} evaluations`);
  if (state === "training" && left !== null) {
    const words = duration(left);
    parts.push(`${words.startsWith("under") ? "" : "about "}${words} left`);
  }
  if (lost(progress)) parts.push(lost(progress));
  return parts.join(" · ");
}

/** The headline, the state and the bar of the study that is looked at. */
export function renderProgress({ report }) {
  if (!report) return;
  const { study } = report;
  const { progress } = study;
  setText(byId("study-name"), study.name);
  setText(byId("study-about"), aboutText(study));
  byId("state").dataset.state = progress.state;
  setText(byId("state-name"), stateName(progress));
  const begin = progress.state === "queued"
    ? [" · waiting until a worker is free; where none runs, start one with ", element("code", { text: "shadowboard work" })]
    : [];
  setChildren(byId("state-text"), progressText(progress), ...begin);
  byId("progress").max = progress.steps || 1;
  byId("progress").value = progress.steps_done;
  byId("progress").hidden = progress.state === "finished";
  document.title = `${titleState(progress)} · ${study.name} · Shadowboard`;
}

const titleState = (progress) => (progress.state === "training"
  ? `${Math.floor((100 * progress.steps_done) / (progress.steps || 1))} %` : stateName(progress));

/** What a study consists of: "6 variants × 5 seeds × 30,000 steps · k7m2xd". */
export function aboutText({ id, config, seeds, variants }) {
  return `${count(variants.length + 1)} variants × ${count(seeds)} seeds × ${count(config.steps)} steps · ${id}`;
}
