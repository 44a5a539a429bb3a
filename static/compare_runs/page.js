// The page that compares runs: all of them in a table, the curves of some laid over one another.

import { listEventsAddress, readHistory, readRun, readScores } from "../api.js";
import { setUpBanner } from "../banner.js";
import { ENDED } from "../curves/axis.js";
import { followEvents } from "../dashboard/events.js";
import { fromAnswer } from "../dashboard/history.js";
import { setUpList } from "../dashboard/list.js";
import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { createState } from "../state.js";
import { setUpTheme } from "../theme.js";
import { setUpChart } from "./chart.js";
import { setUpGains } from "./gains.js";
import { fromAddress, renderAddress } from "./selection.js";
import { setUpTable } from "./table.js";

const AGAIN = 2_000; // ms, after a failure
const EVERY = 5_000; // ms, while something is in training
const SELDOM = 60_000; // ms, while there is something to wait for and nothing comes
const TICKED_FIRST = 3; // of the newest evaluated ones outside studies, where the address says nothing

const state = createState({
  runs: null, // all of them, newest first; null until they are known
  total: 0,
  unreadable: [], // ids of those that are left out
  scores: new Map(), // of GET /runs/scores, by run
  gains: new Map(), // what averaging gains a run over its checkpoints, by run, as far as known
  histories: new Map(), // of the ticked runs
  ...fromAddress(location.search), // ticked, unfolded (studies), sort, filter, allKnobs, split, weights (null: as shownWeights has it)
  emphasised: null, // the run whose curves are brought forward
  pointed: null, // the step that is pointed at on the chart
  connection: "live",
  notice: null,
  themed: 0,
});

const list = setUpList(state);

async function readAllScores() {
  state.set({ scores: new Map((await readScores()).map((one) => [one.run, one])) });
}

/** Tick the newest runs that there is something to see of, where nobody has said which. */
function tickFirst() {
  const { runs, scores, ticked } = state.get();
  const evaluated = runs.filter(({ id, study }) => !study && scores.has(id));
  if (ticked === null && evaluated.length) state.set({ ticked: evaluated.slice(0, TICKED_FIRST).map(({ id }) => id) });
}

/** The list and the scores, whenever the stream is there (again). */
async function readAll() {
  try {
    await readAllScores();
    await list.read();
    tickFirst();
    keepUp();
  } catch (problem) {
    if (problem.status) state.set({ notice: problem.message });
    setTimeout(readAll, AGAIN);
  }
}

const goesOn = (run) => run.state === "training" || run.state === "watched";

/** Whether a run that has ended has a checkpoint yet to be evaluated, by all its weights on both splits. */
function isBehind(run, scores) {
  if (!ENDED.has(run.state) || run.latest_checkpoint === null) return false;
  return [scores?.raw, ...run.averages.map(({ name }) => scores?.averages[name])]
    .some((one) => !one || one.final.step < run.latest_checkpoint || !one.final.validation || !one.final.test);
}

/** What runs have come to since, in the table and on the chart. Returns whether there was anything new. */
async function readOn() {
  const { runs: listed, scores: before } = state.get();
  const training = listed.filter(goesOn).map(({ id }) => id);
  const behind = listed.filter((run) => isBehind(run, before.get(run.id))).map(({ id }) => id);
  if (!training.length && !behind.length) return false;
  const answers = await Promise.all(training.map((id) => readRun(id).catch(() => null)));
  const found = new Map(answers.filter(Boolean).map((run) => [run.id, run]));
  await readAllScores();
  const { runs, scores, ticked } = state.get();
  state.set({ runs: runs.map((run) => found.get(run.id) ?? run) });
  tickFirst();
  const advanced = behind.filter((id) => JSON.stringify(scores.get(id)) !== JSON.stringify(before.get(id)));
  const curves = await readHistories([...training, ...advanced].filter((id) => ticked?.includes(id)));
  state.set({ histories: new Map([...state.get().histories, ...curves]) });
  return training.length > 0 || advanced.length > 0;
}

let pause = EVERY;
let pending;

/** Look for news from now on: often while they come, ever more seldom where none do. */
function keepUp() {
  clearTimeout(pending);
  pause = EVERY;
  pending = setTimeout(look, pause);
}

async function look() {
  const mine = pending;
  const news = !document.hidden && await readOn().catch(() => false);
  if (mine !== pending) return;
  pause = news ? EVERY : Math.min(2 * pause, SELDOM);
  pending = setTimeout(look, pause);
}

async function readHistories(ids) {
  const answers = await Promise.all(ids.map((id) => readHistory(id, 1).catch(() => null)));
  return ids.flatMap((id, i) => (answers[i] ? [[id, fromAnswer(answers[i])]] : []));
}

/** The curves of runs that have been ticked; each is asked for once. */
function setUpHistories() {
  const asked = new Set();
  return async ({ runs, ticked, histories }) => {
    const missing = (ticked ?? []).filter((id) => !histories.has(id) && !asked.has(id) && runs?.some((run) => run.id === id));
    if (!missing.length) return;
    missing.forEach((id) => asked.add(id));
    const found = await readHistories(missing);
    missing.forEach((id) => asked.delete(id));
    if (found.length) state.set({ histories: new Map([...state.get().histories, ...found]) });
    else state.set({ notice: "The curves could not be read." });
  };
}

function renderRooms({ runs, total, unreadable, connection }) {
  byId("no-runs").hidden = runs === null || total > 0;
  byId("comparison").hidden = !runs?.length;
  const waiting = connection === "lost" ? "The server cannot be reached yet; trying again…" : "Loading the runs…";
  const some = total === 1 ? "1 run" : `${count(total)} runs`;
  const without = unreadable.length ? `; ${count(unreadable.length)} of them not shown, as this version cannot read their configuration` : "";
  setText(byId("runs-count"), runs === null ? waiting : total ? some + without : "");
}

setUpTheme(() => state.set({ themed: state.get().themed + 1 }));
const renderers = [
  renderRooms, renderAddress, setUpTable(state), setUpGains(state, byId("runs-table").tBodies[0]), setUpHistories(),
  setUpChart(state), setUpBanner(state),
];
for (const render of renderers) {
  state.onChange(render);
}
window.addEventListener("popstate", () => location.reload());
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
followEvents(() => listEventsAddress, "", {
  connection(connection) {
    state.set({ connection });
    if (connection === "live") readAll();
  },
  runs(news) {
    list.hear(news);
    if (state.get().runs) readAllScores().then(tickFirst).then(keepUp).catch(() => {});
  },
});
