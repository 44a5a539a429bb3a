// The page that compares runs: all of them in a table, the curves of some laid over one another.

import { listEventsAddress, readScores } from "../api.js";
import { setUpBanner } from "../banner.js";
import { followEvents } from "../dashboard/events.js";
import { setUpList } from "../dashboard/list.js";
import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { createState } from "../state.js";
import { setUpTheme } from "../theme.js";
import { setUpChart } from "./chart.js";
import { setUpGains } from "./gains.js";
import { setUpHistories } from "./histories.js";
import { setUpNews } from "./news.js";
import { fromAddress, renderAddress } from "./selection.js";
import { setUpTable } from "./table.js";

const AGAIN = 2_000; // ms, after a failure
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
const keepUp = setUpNews(state, readSome);

async function readAllScores() {
  state.set({ scores: new Map((await readScores()).map((one) => [one.run, one])) });
}

/** Tick the newest runs that there is something to see of, where nobody has said which. */
function tickFirst() {
  const { runs, scores, ticked } = state.get();
  const evaluated = runs.filter(({ id, study }) => !study && scores.has(id));
  if (ticked === null && evaluated.length) state.set({ ticked: evaluated.slice(0, TICKED_FIRST).map(({ id }) => id) });
}

async function readSome() {
  await readAllScores();
  tickFirst();
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
  renderRooms, renderAddress, setUpTable(state), setUpGains(state, byId("runs-table").tBodies[0]), setUpHistories(state),
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
    if (state.get().runs) readSome().then(keepUp).catch(() => {});
  },
});
