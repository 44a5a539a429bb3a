// The comparison of raw and averaged weights over the whole run, as GET /runs/{id}/comparison answers it.

import { compareRun } from "../api.js";
import { ENDED } from "../curves/axis.js";
import { pauseAfter } from "../pause.js";
import { curve } from "./history.js";
import { comparableSteps } from "./selection.js";

const RETRY_AFTER = 3_000; // ms
const NOTHING = { selection: "", key: "" };

/**
 * Keeps `overalls`, the answers by the name of the average, in line with run and split, and with the checkpoints
 * that arrive and the end of the run: the chosen average's first, then the others'. `overall` is that of the chosen
 * one, null as long as none is there. Returns the renderer.
 */
export function setUpOverall(state) {
  let wanted = NOTHING;
  let asking = false;
  let pending;
  let earliest = 0; // the next time to ask for the same selection, as the page's clock has it
  let took; // ms, the last time

  async function ask() {
    const asked = wanted;
    const { run, split } = asked; // by now the page may be at no run at all
    const begun = performance.now();
    const left = run.averages.map(({ name }) => name);
    let again = false;
    asking = true;
    while (left.length && asked.selection === wanted.selection && !again) {
      const [name] = left.splice(Math.max(0, left.indexOf(state.get().average)), 1);
      try {
        const answer = await compareRun(run.id, split, name);
        const { overalls, average } = state.get();
        if (asked.selection !== wanted.selection) break;
        state.set({ overalls: new Map(overalls).set(name, answer), ...(name === average && { overall: answer }) });
      } catch (problem) {
        again = !problem.status || problem.status >= 500;
      }
    }
    asking = false;
    if (asked.selection === wanted.selection) {
      const now = performance.now();
      earliest = now + (again ? RETRY_AFTER : pauseAfter(now - begun, took));
      took = now - begun;
    }
    if (wanted.selection && (again || asked !== wanted)) later();
  }

  function later() {
    clearTimeout(pending);
    pending = setTimeout(ask, Math.max(0, earliest - performance.now()));
  }

  return (now) => {
    const next = question(now);
    if (next.selection !== wanted.selection) {
      clearTimeout(pending);
      earliest = 0;
      if (now.overalls.size) state.set({ overalls: new Map() });
    }
    const overall = (next.selection === wanted.selection && now.overalls.get(now.average)) || null;
    if (overall !== now.overall) state.set({ overall });
    if (next.key === wanted.key) return;
    wanted = next;
    if (wanted.selection && !asking) later();
  };
}

/** What is looked at, and how far that is: the verdict of a run that goes on says so. */
function question(now) {
  const { run, history, split, average } = now;
  if (!run || !average || !comparableSteps(now).length) return NOTHING;
  const selection = `${run.id} ${split}`;
  const curves = [null, ...run.averages.map(({ name }) => name)].map((name) => curve(history, split, name));
  // With what they come to: another program may write a checkpoint anew.
  const evaluated = curves.map((points) => [points.length, points.reduce((sum, { correct }) => sum + correct, 0)]);
  return { run, split, selection, key: `${selection} ${evaluated} ${ENDED.has(run.state)}` };
}
