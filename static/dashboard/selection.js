// What is looked at: the run, the step, the images, the average, and how the curves are drawn. The page's
// address holds it all, so that a reload, a bookmark or a link shows the same.

import { remembered } from "../memo.js";
import { rows } from "./history.js";

export const LATEST = "latest";

const CHOICES = {
  split: ["validation", "test"],
  view: ["closeup", "everything"],
  measure: ["accuracy", "error"],
  scale: ["linear", "log"],
  span: ["auto", "all", "late"], // all checkpoints, or the second half; auto: that as soon as it tells something
};

/** The selection in a page's address (its `search`); whatever it leaves out or has wrong is as by default. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const chosen = Object.entries(CHOICES).map(([name, values]) => {
    const value = given.get(name);
    return [name, values.includes(value) ? value : values[0]];
  });
  const step = given.get("step") ?? "";
  return {
    ...Object.fromEntries(chosen),
    runId: given.get("run"),
    step: /^\d{1,15}$/.test(step) ? Number(step) : LATEST,
    average: given.get("average"),
    image: /^\d{1,9}$/.test(given.get("image") ?? "") ? Number(given.get("image")) : null,
  };
}

/** The address of a selection; what is as by default is left out. */
export function toAddress(state) {
  const { runId, run, step, average } = state;
  const address = new URLSearchParams();
  if (runId !== null) address.set("run", runId);
  if (step !== LATEST) address.set("step", step);
  if (average && average !== run?.averages[0]?.name) address.set("average", average);
  for (const [name, values] of Object.entries(CHOICES)) {
    if (state[name] !== values[0]) address.set(name, state[name]);
  }
  if (typeof state.image === "number") address.set("image", state.image);
  return `?${address}`;
}

const comparable = remembered((history, split, average) =>
  rows(history, split, average ? [average] : [])
    .filter(({ averaged }) => averaged.every(Boolean))
    .map(({ step }) => step));

/** The steps at which the raw weights and the chosen average have both been evaluated, ascending. */
export const comparableSteps = ({ history, split, average }) => comparable(history, split, average);

/** The step that every panel shows: the chosen one, or else the newest comparable one; null where there is none. */
export const shownStep = (state) => (state.step === LATEST ? comparableSteps(state).at(-1) ?? null : state.step);

/** Keeps the page's address in line with the state. Returns the renderer. */
export function setUpAddress() {
  return (state) => {
    if (state.runs === null) return;
    const address = toAddress(state);
    if (address !== (location.search || "?")) history.replaceState(history.state, "", address);
  };
}
