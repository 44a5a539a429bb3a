// What averaging gains each run over all its checkpoints: asked for run by run, as rows come into sight.

import { compareRun } from "../api.js";
import { ENDED } from "../curves/axis.js";
import { pauseAfter } from "../pause.js";
import { GAIN, toRows } from "./rows.js";

const AT_ONCE = 2; // requests on their way
const RETRY_AFTER = 5_000; // ms
const AHEAD = "600px 0px"; // so far beneath what is seen a row counts as in sight

/**
 * Keeps `gains` of `state`: by run { average, overall }, on the validation images, for the rows of `body` in sight, or
 * for all where these are in the order of their gains. Returns the renderer.
 */
export function setUpGains(state, body) {
  const inSight = new Set(); // ids of runs
  const known = new Map(); // by run { key, earliest, took }: what is there or on its way, and when to ask for more
  let underway = 0;
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) inSight.add(target.dataset.run);
      else inSight.delete(target.dataset.run);
    }
    askOn();
  }, { rootMargin: AHEAD });
  new MutationObserver((changes) => {
    for (const { addedNodes, removedNodes } of changes) {
      for (const row of removedNodes) {
        watcher.unobserve(row);
        inSight.delete(row.dataset.run);
      }
      for (const row of addedNodes) watcher.observe(row);
    }
  }).observe(body, { childList: true });

  /** The first run whose gain is wanted and not known as of what is evaluated. */
  function next() {
    const { runs, scores, gains, sort } = state.get();
    const all = sort.replace("-", "") === GAIN;
    return toRows(runs ?? [], scores, gains).find((row) => {
      if (!row.ema || !(all || inSight.has(row.run.id))) return false;
      const before = known.get(row.run.id);
      return before?.key !== keyOf(row) && !(before?.earliest > performance.now());
    });
  }

  function askOn() {
    while (underway < AT_ONCE) {
      const row = next();
      if (!row) return;
      ask(row);
    }
  }

  async function ask(row) {
    const { run, average } = row;
    const begun = performance.now();
    underway += 1;
    const before = known.get(run.id)?.took;
    known.set(run.id, { key: keyOf(row), earliest: Infinity });
    let [key, pause] = [keyOf(row), 0];
    try {
      const { overall } = await compareRun(run.id, "validation", average.name);
      pause = pauseAfter(performance.now() - begun, before);
      state.set({ gains: new Map([...state.get().gains, [run.id, { average: average.name, overall }]]) });
    } catch (problem) {
      if (!problem.status || problem.status >= 500) [key, pause] = ["", RETRY_AFTER];
    }
    const now = performance.now();
    known.set(run.id, { key, earliest: now + pause, took: now - begun });
    setTimeout(askOn, pause); // for what comes meanwhile
    underway -= 1;
    askOn();
  }

  return askOn;
}

const keyOf = ({ run, average, raw, ema }) =>
  `${average.name} ${raw?.evaluated} ${ema.evaluated} ${ema.final.step} ${ENDED.has(run.state)}`;
