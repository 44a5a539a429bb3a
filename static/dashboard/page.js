// The page: one state, its renderers, and which run it follows.

import { listRuns, queueRun } from "../api.js";
import { setUpBanner } from "../banner.js";
import { setUpCurve } from "../curves/curve.js";
import { renderDecay, renderReadout } from "../curves/readout.js";
import { byId, setText } from "../dom.js";
import { setUpDrawing } from "../drawing/drawing.js";
import { createState } from "../state.js";
import { setUpTheme } from "../theme.js";
import { setUpChoices } from "./choices.js";
import { setUpComparison } from "./comparison.js";
import { emptyHistory } from "./history.js";
import { followRun } from "./live.js";
import { setUpNumbers } from "./numbers.js";
import { setUpProgress } from "./progress.js";
import { setUpRuns } from "./runs.js";
import { fromAddress, LATEST, setUpAddress } from "./selection.js";
import { renderSentence } from "./sentence.js";
import { setUpSteps } from "./steps.js";

const LIST_EVERY = 5_000; // ms
const LIST_AGAIN = 2_000; // ms, after a failure

const state = createState({
  runs: null, // all of them, newest first; null until they are known
  run: null, // the one that is looked at, as the server last told
  // runId, step (a number or "latest"), average (a name, null where the run keeps none), split, view, measure, scale
  ...fromAddress(location.search),
  runId: null,
  history: emptyHistory(),
  loaded: false,
  comparison: null, // of raw and averaged weights at the shown step
  comparing: false,
  comparisonProblem: null,
  hovered: null, // the step under the pointer
  connection: "live",
  notice: null, // a sentence to show in passing
  themed: 0, // counts the changes of colours
});

let endFollowing = () => {};

const wantedRun = () => fromAddress(location.search).runId;

/** Look at a run. `remember` is "push" for a choice that Back should undo; the address itself follows the state. */
function select(run, remember) {
  const { step, average } = fromAddress(remember === "push" ? "" : location.search);
  if (remember === "push") history.pushState(null, "", `?run=${encodeURIComponent(run.id)}`);
  const known = run.averages.find(({ name }) => name === average) ?? run.averages[0];
  endFollowing();
  state.set({
    runId: run.id, run, step: run.id === wantedRun() ? step : LATEST, average: known?.name ?? null, hovered: null,
  });
  endFollowing = followRun(state, run.id, () => leave(run.id));
}

/** The run is not there (any more). */
function leave(id) {
  endFollowing();
  endFollowing = () => {};
  state.set({ runId: id, run: null, history: emptyHistory() });
}

function settle() {
  const { runs } = state.get();
  const id = wantedRun();
  const run = id === null ? runs[0] : runs.find((r) => r.id === id);
  if (run) select(run, "keep");
  else if (id !== null) leave(id);
}

async function refresh() {
  let again = LIST_EVERY;
  try {
    const runs = await listRuns();
    const { runId, run, connection } = state.get();
    state.set({ runs, connection: run ? connection : "live" });
    if (runId === null) settle();
    else if (run && !runs.some((r) => r.id === runId)) leave(runId);
  } catch (problem) {
    again = LIST_AGAIN;
    if (!state.get().run) state.set({ connection: "lost" });
    if (problem.status) state.set({ notice: problem.message });
  }
  setTimeout(refreshWhenSeen, again);
}

function refreshWhenSeen() {
  if (document.visibilityState === "visible") refresh();
  else document.addEventListener("visibilitychange", refreshWhenSeen, { once: true });
}

function renderRooms({ runs, runId, run, connection }) {
  byId("loading").hidden = runs !== null;
  if (runs === null && connection === "lost") setText(byId("loading"), "The server cannot be reached yet; trying again…");
  byId("welcome").hidden = runs === null || runId !== null || runs.length > 0;
  byId("missing").hidden = runs === null || runId === null || run !== null;
  byId("board").hidden = run === null;
  if (!run && runId !== null) {
    setText(byId("missing-text"), `There is no run “${runId}” here: it was deleted, or the address has a slip.`);
    document.title = "No such run · Shadowboard";
  }
}

async function queueFirst() {
  const button = byId("queue-run");
  button.disabled = true;
  byId("queue-problem").hidden = true;
  try {
    select(await queueRun(), "keep");
  } catch (problem) {
    setText(byId("queue-problem"), `The run could not be queued: ${problem.message}`);
    byId("queue-problem").hidden = false;
  }
  button.disabled = false;
}

const drawing = setUpDrawing(state);
setUpTheme(() => {
  state.set({ themed: state.get().themed + 1 });
  drawing.repaint();
});
for (const render of [
  renderRooms,
  setUpAddress(),
  setUpComparison(state),
  setUpRuns((id) => select(state.get().runs.find((r) => r.id === id), "push")),
  setUpProgress(state),
  renderSentence,
  setUpChoices(state),
  setUpSteps(state),
  renderReadout,
  setUpCurve(state),
  renderDecay,
  setUpNumbers(state),
  drawing.render,
  setUpBanner(state),
]) {
  state.onChange(render);
}
byId("queue-run").addEventListener("click", queueFirst);
window.addEventListener("popstate", () => state.get().runs && settle());
// A page that comes out of the browser's back-forward cache has lost its event stream.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
refresh();
