// The page that looks into a checkpoint: its variables, one of them close up, its first layer, what a restore reads.

import { listCheckpoints, listVariables, readRun } from "../api.js";
import { setUpBanner } from "../banner.js";
import { setUpChoices } from "./choices.js";
import { setUpCloseup } from "./closeup.js";
import { byId, setText } from "../dom.js";
import { setUpExport } from "../export/menu.js";
import { readChoices } from "../run_choices.js";
import { createState } from "../state.js";
import { setUpTheme } from "../theme.js";
import { batches, chosenAverage } from "./family.js";
import { setUpRestored } from "./restored.js";
import { fromAddress, LATEST, renderAddress } from "./selection.js";
import { setUpTable, shownVariables } from "./table.js";
import { setUpUnits } from "./units.js";

const AGAIN = 2_000; // ms, after the server could not be reached
const AT_A_TIME = 64e6; // bytes that one request reads

const state = createState({
  runs: null, // the newest, those of studies last; null until they are known
  run: null,
  steps: [], // of the checkpoints that are there
  ...fromAddress(location.search), // runId, step, name, average, filter, from, order, unit, scale
  place: null, // which checkpoint it is: { run, step, checkpoint, bytes, first_layer }
  variables: null, // all that is in it, without what has to be read for it
  measured: new Map(), // by name, with statistics
  closeup: null, // the chosen variable, with its averages
  closeupProblem: null,
  units: null, // some of the first layer
  unitsProblem: null,
  restored: null, // { raw, ema }: two restore maps
  restoredProblem: null,
  problem: null, // why there is nothing to look at
  connection: "live",
  notice: null,
  themed: 0,
});

async function start() {
  try {
    const runs = await readChoices();
    state.set({ runs, connection: "live" });
    const { runId, step } = state.get();
    const known = runs.find((run) => run.id === runId || run.name === runId);
    const saved = runs.find((run) => run.latest_checkpoint !== null) ?? runs[0];
    const run = runId === null ? saved : known ?? (await readRun(runId));
    if (run && !runs.includes(run)) state.set({ runs: [run, ...runs] });
    if (run) choose(run, step, "keep");
    else state.set({ problem: "There is no run yet. The dashboard queues the first one." });
  } catch (problem) {
    if (problem.status) state.set({ problem: problem.message });
    else setTimeout(start, AGAIN);
  }
}

/** Look at a checkpoint; a variable that is looked at stays, where there is one of its name. */
async function choose(run, step, remember = "push") {
  if (remember === "push") history.pushState(null, "", location.href);
  state.set({
    run, runId: run.id, step, place: null, variables: null, measured: new Map(), closeup: null, closeupProblem: null,
    units: null, unitsProblem: null, restored: null, restoredProblem: null, problem: null,
  });
  const isOld = () => state.get().runId !== run.id || state.get().step !== step;
  try {
    const [{ checkpoints }, { variables, ...place }] = await Promise.all([
      listCheckpoints(run.id), listVariables(run.id, step, [], false),
    ]);
    if (isOld()) return;
    const { name } = state.get();
    const there = variables.some((variable) => variable.name === name);
    const first = place.first_layer ?? (variables.find(({ kind }) => kind === "raw") ?? variables[0])?.name ?? null;
    state.set({
      place, variables, steps: checkpoints.filter(({ present }) => present).map((one) => one.step),
      name: there ? name : first,
    });
  } catch (problem) {
    if (!isOld()) state.set({ problem: problem.message, variables: null });
    listCheckpoints(run.id).then(
      ({ checkpoints }) => isOld() || state.set({ steps: checkpoints.filter(({ present }) => present).map((one) => one.step) }),
      () => {});
  }
}

/** Measure what is on the page of the table, some MB at a time, and go on with what is on it then. */
function setUpMeasuring() {
  const failed = new WeakSet(); // lists of variables of which something cannot be read
  let busy = false;

  return async function measure(now) {
    const { place, variables, measured } = now;
    if (busy || !variables || failed.has(variables)) return;
    const missing = shownVariables(now).rows.filter(({ name }) => !measured.has(name));
    const [names] = batches(missing, variables, AT_A_TIME);
    if (!names) return;
    busy = true;
    try {
      const answer = await listVariables(place.run, place.step, names, true);
      const found = answer.variables.map((variable) => [variable.name, variable]);
      if (state.get().variables === variables) state.set({ measured: new Map([...state.get().measured, ...found]) });
    } catch (problem) {
      failed.add(variables);
      state.set({ notice: problem.message });
    }
    busy = false;
    if (state.get().variables !== variables) measure(state.get());
  };
}

function renderRooms({ runs, run, place, problem, variables }) {
  byId("loading").hidden = variables !== null || problem !== null;
  byId("problem").hidden = problem === null;
  setText(byId("problem-text"), problem ?? "");
  byId("inspector").hidden = variables === null;
  if (place) setText(byId("checkpoint-name"), place.checkpoint);
  document.title = place ? `${place.checkpoint} · ${run.name} · Shadowboard` : "Checkpoints · Shadowboard";
  if (runs !== null && run) byId("dashboard-link").href = `./?run=${encodeURIComponent(run.id)}${place ? `&step=${place.step}` : ""}`;
}

/** What the menu takes away; an average that only the checkpoint knows of is no average of the run. */
function exported(now) {
  const average = chosenAverage(now);
  const known = now.run?.averages.some(({ name }) => name === average);
  return { run: now.run, step: now.place?.step ?? null, average: known ? average : null };
}

setUpTheme(() => state.set({ themed: state.get().themed + 1 }));
for (const render of [
  renderRooms, renderAddress, setUpChoices(state, choose), setUpTable(state), setUpMeasuring(), setUpCloseup(state),
  setUpUnits(state), setUpRestored(state), setUpExport(state, exported), setUpBanner(state),
]) {
  state.onChange(render);
}
window.addEventListener("popstate", () => location.reload());
start();
