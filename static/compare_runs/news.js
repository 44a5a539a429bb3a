// What runs come to while the page is open: those that go on, and those that had ended before all was evaluated.

import { readRun } from "../api.js";
import { ENDED } from "../curves/axis.js";
import { readHistories } from "./histories.js";

const EVERY = 5_000; // ms, while something comes
const SELDOM = 60_000; // ms, while there is something to wait for and nothing comes

/**
 * Keeps runs, scores and histories of `state` true; `readScores()` reads the scores. Returns what is to be called where
 * there may be news from now on.
 */
export function setUpNews(state, readScores) {
  const catchingUp = new Set(); // ended runs that were behind a while ago: evaluated last are their oldest checkpoints
  let pause = EVERY;
  let pending;

  /** What runs have come to since, in the table and on the chart. Returns whether there was anything new. */
  async function readOn() {
    const { runs: listed, scores: before } = state.get();
    const training = listed.filter(goesOn).map(({ id }) => id);
    const behind = new Set(listed.filter((run) => isBehind(run, before.get(run.id))).map(({ id }) => id));
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
    for (const id of behind) if (JSON.stringify(scores.get(id)) !== JSON.stringify(before.get(id))) news.add(id);
    for (const id of catchingUp) if (pause >= SELDOM && !behind.has(id) && !news.has(id)) catchingUp.delete(id);
    return news.size > 0;
  }

  async function look() {
    const mine = pending;
    const news = !document.hidden && await readOn().catch(() => false);
    if (mine !== pending) return;
    pause = news ? EVERY : Math.min(2 * pause, SELDOM);
    pending = setTimeout(look, pause);
  }

  /** Often while news come, ever more seldom where none do. */
  return () => {
    clearTimeout(pending);
    pause = EVERY;
    pending = setTimeout(look, pause);
  };
}

const goesOn = (run) => run.state === "training" || run.state === "watched";

/** Whether a run that has ended has a checkpoint yet to be evaluated, by all its weights on both splits. */
function isBehind(run, scores) {
  if (!ENDED.has(run.state) || run.latest_checkpoint === null) return false;
  return [scores?.raw, ...run.averages.map(({ name }) => scores?.averages[name])]
    .some((one) => !one || one.final.step < run.latest_checkpoint || !one.final.validation || !one.final.test);
}

const size = (history) => [...(history?.curves.values() ?? [])].reduce((sum, points) => sum + points.length, 0);
