// What the comparison comes to at the shown step, in sentences.

import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, count } from "../format.js";
import { rows } from "./history.js";
import { shownStep } from "./selection.js";

/** The server's verdict with the two kinds of weights in their colours, the difference in bold. */
function verdict({ verdict, raw, n, split, step }) {
  if (verdict === null) {
    return [`At step ${count(step)} the `, rawWord("raw weights"),
      ` read ${count(raw.correct)} of ${count(n)} ${split} images right; this run keeps no average.`];
  }
  return verdict.split(/(averaged weights|raw weights|[\d,]+ (?:more|fewer))/).map((part, i) => {
    if (i % 2 === 0) return part;
    if (part === "raw weights") return rawWord(part);
    return part === "averaged weights" ? emaWord(part) : element("b", { class: "outcome", text: part });
  });
}

/** The server's verdict over the run, with what it comes to in bold. */
const overallVerdict = (verdict) =>
  verdict.split(/(averaging(?: \([^)]*\))? (?:helps|hurts)|could be chance(?=:))/)
    .map((part, i) => (i % 2 ? element("b", { text: part }) : part));

const rawWord = (text) => element("span", { class: "raw-word", text });
const emaWord = (text) => element("span", { class: "ema-word", text });

function waiting({ run, loaded, comparing }) {
  if (!loaded) return "Loading the run…";
  if (comparing) return "Comparing…";
  if (run.state === "queued") return "Nothing to compare yet: the run has not begun.";
  if (run.latest_checkpoint !== null) return "A checkpoint is saved and is being evaluated…";
  if (run.state === "watched") return "No checkpoint yet: both sets of weights are compared as soon as one is saved in the folder.";
  if (run.state === "training") return "No checkpoint yet: both sets of weights are compared as soon as the first one is saved.";
  return "This run ended before its first checkpoint, so there is nothing to compare.";
}

export function renderSentence(state) {
  if (!state.run) return;
  const { comparison, comparisonProblem, overall } = state;
  setChildren(byId("overall"), ...(comparison && overall?.verdict ? overallVerdict(overall.verdict) : []));
  byId("sentence").classList.toggle("waiting", !comparison);
  setChildren(byId("sentence"), ...(comparison ? verdict(comparison) : [comparisonProblem ?? waiting(state)]));
}

/** The same in few words, for a reader who does not see the chart. */
export function summary({ run, history, split, average, ...rest }) {
  const step = shownStep({ history, split, average, ...rest });
  const row = rows(history, split, average ? [average] : []).find((r) => r.step === step);
  if (!row) return "No evaluation yet.";
  const parts = [`raw ${count(row.raw.correct)}`];
  if (row.averaged[0]) parts.push(`${averageLabel(run, average)} ${count(row.averaged[0].correct)}`);
  return `At step ${count(row.step)}, of ${count(row.raw.n)} ${split} images read right: ${parts.join(", ")}.`;
}
