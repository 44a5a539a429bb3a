// The page: one state, its renderers, and which run it follows.

import { listRuns, queueRun, readRun } from "../api.js";
import { setUpAgreement } from "../agreement/agreement.js";
import { setUpBanner } from "../banner.js";
import { setUpCurve } from "../curves/curve.js";
import { setUpReadout } from "../curves/readout.js";
import { setUpTraining } from "../curves/training.js";
import { setUpConfusion } from "../digits/confusion.js";
import { setUpDigits } from "../digits/digits.js";
import { setUpDisagreements } from "../digits/disagreements.js";
import { setUpImage } from "../digits/image.js";
import { setUpTracking } from "../digits/tracking.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { setUpDrawing } from "../drawing/drawing.js";
import { setUpExport } from "../export/menu.js";
import { setUpRunForm } from "../run_form/dialog.js";
import { createState } from "../state.js";
import { setUpTheme } from "../theme.js";
import { setUpActions } from "./actions.js";
import { setUpChoices } from "./choices.js";
import { setUpComparison } from "./comparison.js";
import { setUpFiles } from "./files.js";
import { emptyHistory } from "./history.js";
import { renderInspectLink } from "./inspect_link.js";
import { firstChoice, newestOutside, setUpList } from "./list.js";
import { followList, followRun } from "./live.js";
import { setUpNarrow } from "./narrow.js";
import { setUpNumbers } from "./numbers.js";
import { setUpOverall } from "./overall.js";
import { setUpProgress } from "./progress.js";
import { setUpRuns } from "./runs.js";
import { fromAddress, LATEST, setUpAddress, shownStep } from "./selection.js";
import { renderSentence } from "./sentence.js";
import { setUpStart } from "./start.js";
import { setUpSteps } from "./steps.js";

const AGAIN = 2_000; // ms, after a failure
const LISTED = 100; // in the picker, of what may be thousands

const state = createState({
  runs: null, // the newest, newest first; null until they are known
  total: 0, // how many there are in all
  run: null, // the one that is looked at, as the server last told
  gone: null, // the one that was looked at until it was deleted
  // runId, step (a number or "latest"), average (a name, null where the run keeps none), split, view, measure, scale,
  // span, image (its place in the split, where one is looked at)
  ...fromAddress(location.search),
  runId: null,
  history: emptyHistory(),
  loaded: false,
  comparison: null, // of raw and averaged weights at the shown step
  comparing: false,
  comparisonProblem: null,
  overall: null, // the comparison over the whole run: whether its verdict holds, and which gaps could be chance
  overalls: new Map(), // the same for each average of the run, by its name
  imageList: [], // what "previous" and "next image" go through: { index, label }
  track: null, // the image that is looked at, read by every checkpoint
  agreement: null, // of validation and test accuracy over the run
  tracking: false,
  trackProblem: null,
  hovered: null, // the step under the pointer
  lost: new Set(), // the steps of a watched run whose files are gone
  zoomed: null, // the part of the step axis that is looked at, [from, to] in steps
  connection: "live",
  notice: null, // a sentence to show in passing
  themed: 0, // counts the changes of colours
});

const list = setUpList(state, LISTED);
let endFollowing = () => {};

const wantedRun = () => fromAddress(location.search).runId;

/** Look at a run. `remember` is "push" for a choice that Back should undo; the address itself follows the state. */
function select(run, remember) {
  const { step, average, image, runId, ...views } = fromAddress(remember === "push" ? "" : location.search);
  if (remember === "push") history.pushState(null, "", `?run=${encodeURIComponent(run.id)}`);
  const known = run.averages.find(({ name }) => name === average) ?? run.averages[0];
  endFollowing();
  state.set({
    runId: run.id, run, gone: null, step: run.id === wantedRun() ? step : LATEST, average: known?.name ?? null,
    hovered: null, zoomed: null, image: run.id === wantedRun() ? image : null,
    ...(remember === "push" ? {} : views),
  });
  endFollowing = followRun(state, run.id, list, () => leave(run.id));
}

/** Look at no run: there is none, or none (any more) of the id that was asked for. */
function leave(id) {
  const { run } = state.get();
  endFollowing();
  state.set({
    runId: id, run: null, gone: run && run.id === id ? run : null, history: emptyHistory(), loaded: false,
    step: LATEST, average: null, image: null,
  });
  endFollowing = followList(state, list);
}

/** The run of this id or name; the server is asked only where not all runs are listed. Null: there is none. */
async function find(id) {
  const { runs, total } = state.get();
  const known = runs.find((run) => run.id === id) ?? runs.find((run) => run.name === id);
  if (known || runs.length === total) return known ?? null;
  try {
    return await readRun(id);
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

/** The run to look at where none is named. A study may well be larger than the list. */
async function usual() {
  const { runs, total } = state.get();
  if (newestOutside(runs) || runs.length === total) return firstChoice(runs);
  return firstChoice([...(await listRuns(1, true)).runs, ...runs]);
}

/** Look at the run that the address names, or else at the usual one. */
async function settle() {
  const id = wantedRun();
  const run = id === null ? await usual() : await find(id);
  if (run) select(run, "keep");
  else leave(id);
}

async function start() {
  try {
    await list.read();
    await settle();
  } catch (problem) {
    state.set({ connection: "lost" });
    if (problem.status) state.set({ notice: problem.message });
    setTimeout(start, AGAIN);
  }
}

/** The run was deleted here: on to the newest of the others. */
function moveOn(deleted) {
  list.hear({ gone: deleted.id });
  history.replaceState(null, "", "./");
  state.set({ notice: `“${deleted.name}” was deleted.` });
  settle();
}

function renderRooms({ runs, runId, run, gone, connection }) {
  byId("loading").hidden = runs !== null && (run !== null || runId !== null || !runs.length);
  if (runs === null && connection === "lost") setText(byId("loading"), "The server cannot be reached yet; trying again…");
  byId("welcome").hidden = runs === null || runId !== null || runs.length > 0;
  byId("missing").hidden = runs === null || runId === null || run !== null;
  byId("board").hidden = run === null;
  if (run) return;
  document.title = runId === null ? "Shadowboard" : "No such run · Shadowboard";
  if (runId === null) return;
  setText(byId("missing-title"), gone ? "This run was deleted" : "No such run");
  setChildren(byId("missing-text"), ...(gone
    ? [element("b", { text: gone.name }), ` (${gone.id}) is gone, with its curves and checkpoints.`]
    : [`There is no run “${runId}” here: it was deleted, or the address has a slip.`]));
}

/** A first run came along while there was none to look at. */
function renderFirst({ runs, runId, run }) {
  if (runs?.length && runId === null && run === null && wantedRun() === null) settle();
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

const placeSentence = setUpNarrow();
const drawing = setUpDrawing(state);
setUpTheme(() => {
  state.set({ themed: state.get().themed + 1 });
  drawing.repaint();
});
for (const render of [
  renderRooms,
  renderFirst,
  setUpAddress(),
  setUpComparison(state),
  setUpOverall(state),
  setUpRuns((id) => select(state.get().runs.find((r) => r.id === id), "push")),
  setUpProgress(state),
  setUpActions(state, moveOn),
  setUpStart(state),
  renderSentence,
  placeSentence,
  setUpChoices(state),
  setUpSteps(state),
  setUpFiles(state),
  renderInspectLink,
  setUpExport(state, (now) => ({ run: now.run, step: now.run && shownStep(now), average: now.average })),
  setUpReadout(),
  setUpCurve(state),
  setUpTraining(state),
  setUpAgreement(state),
  setUpNumbers(state),
  drawing.render,
  setUpDigits(),
  setUpConfusion(state),
  setUpDisagreements(state),
  setUpTracking(state),
  setUpImage(state),
  setUpBanner(state),
]) {
  state.onChange(render);
}
setUpRunForm(() => state.get().run, (run) => select(run, "push"));
byId("queue-run")?.addEventListener("click", queueFirst);
window.addEventListener("popstate", () => state.get().runs && settle().catch(({ message }) => state.set({ notice: message })));
// A page that comes out of the browser's back-forward cache has lost its event stream.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
start();
