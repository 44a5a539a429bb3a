// What runs come to while the page is open: those that go on, and those that had ended before all was evaluated.

import { readRun } from "../api.js";
import { ENDED } from "../curves/axis.js";
import { curve } from "../dashboard/history.js";
import { readHistories } from "./histories.js";

const EVERY = 5_000; // ms, while something comes
const SPLITS = ["validation", "test"];
const SELDOM = 60_000; // ms, while there is something to wait for and nothing comes

/**
 * Keeps runs, scores and histories of `state` true; `readScores()` reads the scores. Returns what is to be called where
 * there may be news from now on.
 */
export function setUpNews(state, readScores) {
  const catchingUp = new Set(); // ended runs that were behind a while ago: evaluated last are their oldest checkpoints
  let pause = EVERY;
  let due = Infinity;
  let pending;

  /** What runs have come to since, in the table and on the chart. Returns whether there was anything new. */
  async function readOn() {
    const { runs: listed, scores: before, histories: drawn } = state.get();
    const training = listed.filter(goesOn).map(({ id }) => id);
    const ended = listed.filter((run) => ENDED.has(run.state) && run.latest_checkpoint !== null);
    const late = ended.filter((run) => isBehind(run, before.get(run.id)) || isShort(run, drawn.get(run.id)));
    const behind = new Set(late.map(({ id }) => id));
    for (const id of behind) catchingUp.add(id);
    if (!training.length && !catchingUp.size) return false;
    const answers = await Promise.all(training.map((id) => readRun(id).catch(() => null)));
    const found = new Map(answers.filter(Boolean).map((run) => [run.id, run]));
    await readScores();
    const { runs, scores } = state.get();
    state.set({ runs: runs.map((run) => found.get(run.id) ?? run) });
    const { ticked, histories } = state.get();
    const curves = await readHistories([...training, ...catchingUp].filter((id) => ticked?.includes(id)));
    state.set({ histories: new Map([...state.get().histories, ...curves]) });
    const news = new Set(training);
    for (const [id, history] of curves) if (size(history) > size(histories.get(id))) news.add(id);
    for (const id of catchingUp) if (JSON.stringify(scores.get(id)) !== JSON.stringify(before.get(id))) news.add(id);
    for (const id of catchingUp) if (pause >= SELDOM && !behind.has(id) && !news.has(id)) catchingUp.delete(id);
    return news.size > 0;
  }

  async function look() {
    const news = !document.hidden && await readOn().catch(() => false);
    pause = news ? EVERY : Math.min(2 * pause, SELDOM);
    wait();
  }

  function wait() {
    clearTimeout(pending);
    due = performance.now() + pause;
    pending = setTimeout(look, pause);
  }

  /** Often while news come, ever more seldom where none do; what is due sooner is not put off. */
  return () => {
    pause = EVERY;
    if (due > performance.now() + pause) wait();
  };
}

const goesOn = (run) => run.state === "training" || run.state === "watched";

/** Whether a checkpoint of a run is yet to be evaluated, by any of its weights on either split. */
const isBehind = (run, scores) => [scores?.raw, ...run.averages.map(({ name }) => scores?.averages[name])]
  .some((one) => !one || one.final.step < run.latest_checkpoint || !one.final.validation || !one.final.test
    || one.evaluated < SPLITS.length * saved(run));

/** How many checkpoints an ended run has saved at least, but for those damaged or deleted before they were evaluated. */
const saved = ({ config, latest_checkpoint: latest }) => Math.ceil(latest / config.save_every) + 1;

/** Whether a history, where there is one, was read before that. */
const isShort = (run, history) => history !== undefined && SPLITS.some((split) =>
  [null, ...run.averages.map(({ name }) => name)]
    .some((name) => !(curve(history, split, name).at(-1)?.step >= run.latest_checkpoint)));

const size = (history) => [...(history?.curves.values() ?? [])].reduce((sum, points) => sum + points.length, 0);
