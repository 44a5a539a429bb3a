// The page of studies: all of them, or, where its address names one, everything about that.

import { listStudies, readStudy, readStudyCurves } from "../api.js";
import { setUpBanner } from "../banner.js";
import { byId } from "../dom.js";
import { createState } from "../state.js";
import { setUpTheme } from "../theme.js";
import { setUpActions } from "./actions.js";
import { setUpChart } from "./chart.js";
import { renderConclusions, setUpChoices, setUpVariants } from "./findings.js";
import { setUpForm } from "./form.js";
import { setUpGrid } from "./grid.js";
import { setUpList } from "./list.js";
import { GOING_ON, renderProgress } from "./progress.js";
import { fromAddress, renderAddress } from "./selection.js";

const EVERY = 2_000; // ms, while something is going on
const SELDOM = 10_000; // ms, while nothing is
const CURVES_EVERY = 6_000; // ms, at most: they are much to read

const state = createState({
  runs: null, // null until anything is known; what the banner goes by
  studies: null, // all of them, newest first, where none is named
  report: null, // of the study that is named, as GET /studies/{id} answers
  curves: null, // its curves { split, curves }
  missing: false, // there is no such study
  leaving: false, // it is being deleted: nothing more is read of it
  ...fromAddress(location.search), // study, split, weights, view, of (the variant whose choices are shown)
  ticked: [], // the variants, in the table's order: by these the chart's marks go
  emphasised: null, // the variant whose curve is brought forward
  pointed: null, // the step that is pointed at on the chart
  connection: "live",
  notice: null,
  themed: 0,
});

const names = JSON.parse(byId("main").dataset.names);
let timer;
let turn = 0; // of reading: only the last one is followed by another
let readCurvesAt = -Infinity;
let curvesOf = ""; // what the curves were read of

/** What is to be seen, read anew; and again after a while. */
async function read() {
  clearTimeout(timer);
  turn += 1;
  const mine = turn;
  let wait = EVERY;
  try {
    if (!state.get().leaving && !(await readAll())) wait = SELDOM;
  } catch (problem) {
    if (problem.status === 404) state.set({ missing: true, report: null, runs: [], connection: "live" });
    else state.set({ connection: "lost" });
  }
  if (mine === turn && !document.hidden) timer = setTimeout(read, wait);
}

/** Whether anything in it will change by itself. */
async function readAll() {
  const { study } = state.get();
  if (study === null) {
    const studies = await listStudies();
    state.set({ studies, runs: studies, connection: "live" });
    return studies.some(({ progress }) => GOING_ON.has(progress.state));
  }
  const report = await readStudy(study);
  const ticked = report.variants.map(({ variant }) => variant);
  state.set({ report, ticked, runs: report.runs, missing: false, connection: "live" });
  await readCurves();
  return GOING_ON.has(report.study.progress.state);
}

/** The curves, where there is more of them than when they were read last. */
async function readCurves() {
  const { report, split } = state.get();
  if (!report) return;
  const { state: is, evaluations, states } = report.study.progress;
  const key = `${split} ${evaluations} ${states.finished}`;
  const early = performance.now() - readCurvesAt < CURVES_EVERY && GOING_ON.has(is) && curvesOf.startsWith(`${split} `);
  if (key === curvesOf || early) return;
  [curvesOf, readCurvesAt] = [key, performance.now()];
  const curves = await readStudyCurves(report.study.id, split);
  if (state.get().split === split) state.set({ curves: { split, curves } });
}

function renderRooms({ study, studies, report, missing, connection }) {
  byId("loading").hidden = missing || studies !== null || report !== null;
  if (connection === "lost") byId("loading").textContent = "The server cannot be reached yet; trying again…";
  byId("missing").hidden = !missing;
  byId("list-view").hidden = studies === null;
  byId("study-view").hidden = report === null;
  if (missing) document.title = "No such study · Shadowboard";
  if (study === null) document.title = "Studies · Shadowboard";
}

/** Other images: another set of curves. */
function setUpSplit() {
  let before = state.get().split;
  return ({ split }) => {
    if (split === before) return;
    before = split;
    readCurves().catch(() => state.set({ notice: "The curves could not be read." }));
  };
}

setUpTheme(() => state.set({ themed: state.get().themed + 1 }));
for (const render of [
  renderRooms, renderAddress, setUpSplit(), setUpList(names), renderProgress, setUpActions(state, read),
  setUpVariants(names), renderConclusions, setUpChart(state, names), setUpChoices(state, names), setUpGrid(names),
  setUpBanner(state),
]) {
  state.onChange(render);
}
setUpForm((queued) => location.assign(`study?study=${encodeURIComponent(queued.id)}`));
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : read()));
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
read();
