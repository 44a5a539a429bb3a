// Which checkpoints of a watched run have lost their files: the program that trains it deletes its older ones.

import { listCheckpoints } from "../api.js";
import { byId } from "../dom.js";
import { shownStep } from "./selection.js";

const NONE = new Set();

/** Keep `lost` of `state`, the steps without files, true of the run that is looked at; returns the renderer. */
export function setUpFiles(state) {
  let asked = null;

  async function ask({ id }) {
    const answer = await listCheckpoints(id).catch(() => null); // what is evaluated is shown either way
    if (!answer || state.get().run?.id !== id) return;
    state.set({ lost: new Set(answer.checkpoints.filter(({ present }) => !present).map(({ step }) => step)) });
  }

  return (now) => {
    const { run, lost } = now;
    if (!run) return;
    const key = isWatched(run) ? `${run.id} ${run.latest_checkpoint} ${run.state}` : null;
    if (key !== asked) {
      asked = key;
      if (key !== null) ask(run);
      else if (lost.size) state.set({ lost: NONE });
    }
    byId("step-lost").hidden = !isWatched(run) || !lost.has(shownStep(now));
  };
}

/** Whether another program trains the run. */
export const isWatched = (run) => run.config.folder !== undefined;
