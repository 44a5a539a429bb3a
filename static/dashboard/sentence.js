// What the comparison comes to over the run and at the shown step, in sentences.

import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, count } from "../format.js";
import { curve, rows } from "./history.js";
import { isAssumed } from "./progress.js";
import { comparableSteps, shownStep } from "./selection.js";

const OUTCOME = "^Averaging(?: with [^:]*)? (?:helps|hurts|makes no (?:clear )?difference)(?: on the whole)?(?=:)";
const NETWORK = "expected a chain 784"; // of the server's sentence on a network that it does not recognise
const PARTS = new RegExp(`(averaged weights|raw weights|\\bpp\\b|[\\d,]+ (?:more|fewer)(?= \\()|${OUTCOME})`);
const UNBROKEN = /(?<=\d) (?=$|%|percentage|to [+−\d])|(?<=\d to|step|[<=]) (?=[+−\d])|(?<=\b[pr]) (?=[<=])/g;

/** The server's sentence with the two kinds of weights in their colours, what it comes to in bold, numbers unbroken. */
export const told = (text) => text.split(PARTS).map((part, i) => {
  if (i % 2 === 0) return unbroken(part);
  if (part === "raw weights") return rawWord(part);
  if (part === "averaged weights") return emaWord(part);
  if (part === "pp") return element("abbr", { title: "percentage points", text: part });
  return element("b", { class: /^\d/.test(part) ? "outcome" : "", text: part });
});

/** With numbers kept on one line with their units, and intervals in one piece. */
const unbroken = (text) => text.replace(UNBROKEN, "\u00a0");

/** The verdict at one step. */
function stepVerdict({ verdict, raw, n, split, step }) {
  if (verdict !== null) return told(verdict);
  return [`At step ${count(step)} the `, rawWord("raw weights"),
    ` read ${count(raw.correct)} of ${count(n)} ${split} images right; this run keeps no average.`];
}

/**
 * How the verdict of one checkpoint goes with that of the run, both "ema", "raw" or null for what could be chance: a
 * reader who meets two that differ is not to take one for wrong.
 */
export function besideTheRun(step, run) {
  if (step === run) return "One checkpoint alone tells less than the run.";
  if (step === null) return "One checkpoint alone is often too little to tell.";
  if (run === null) return "One checkpoint may stand out by luck.";
  return "One checkpoint may go against the run.";
}

/** The verdict over the run, and what it is in the second half in smaller letters; nothing where there is none. */
function runVerdict(state) {
  const { overall } = state;
  if (overall?.verdict) {
    const [whole, half] = overall.verdict.split(/(?<=\.) (?=In the second half)/);
    return [...told(whole), ...(half ? [" ", element("span", { class: "half" }, ...told(half))] : [])];
  }
  const expected = !overall && state.average && comparableSteps(state).filter((step) => step > 0).length > 1;
  return expected ? [element("span", { class: "waiting", text: "Comparing over the run…" })] : [];
}

const rawWord = (text) => element("span", { class: "raw-word", text });
const emaWord = (text) => element("span", { class: "ema-word", text });

/** Whether a folder has checkpoints of which none could be evaluated yet. */
const unreadable = ({ state, message, latest_checkpoint: latest }, { curves }) =>
  state === "watched" && latest !== null && message !== "" && curves.size === 0;

/** Why they cannot be evaluated, and what helps where it is the network that is not recognised. */
function unreadableParts(message) {
  const why = `The checkpoints of this folder cannot be read yet: ${message}`;
  if (!message.includes(NETWORK)) return [why];
  return [`${why} `, element("code", { text: "shadowboard watch … --network module:function" }), " reads any network."];
}

/** What the first numbers wait for, since raw ones alone would look like a result; "" where there is nothing to wait for. */
export function waitingWords(state) {
  const { history, split, average, comparison, comparing } = state;
  if (shownStep(state) !== null) return comparing && !comparison ? "Comparing…" : "";
  const first = average && curve(history, split, null)[0];
  return first ? `The raw weights of step ${count(first.step)} are evaluated; the averaged ones are next…` : "";
}

/** To who sees the page for the first time, what there will be to see. */
const about = ({ averages }) => "It trains a network that reads handwritten digits" + (averages.length
  ? "; from its first checkpoint on, the weights as they are trained (raw) are compared here with their moving average."
  : ", and keeps no average to compare it with.");

function waiting(state) {
  const { run, history, loaded, comparing } = state;
  if (!loaded) return "Loading the run…";
  if (comparing) return "Comparing…";
  if (run.state === "queued") return `Nothing to compare yet: the run has not begun. ${about(run)}`;
  if (unreadable(run, history)) return unreadableParts(run.message);
  if (waitingWords(state)) return waitingWords(state);
  if (run.latest_checkpoint !== null) return "A checkpoint is saved and is being evaluated…";
  if (run.state === "watched") return "No checkpoint yet: both sets of weights are compared as soon as one is saved in the folder.";
  if (run.state === "training") return `No checkpoint yet. ${about(run)}`;
  return "This run ended before its first checkpoint, so there is nothing to compare.";
}

/** What a verdict on a watched run rests on, where nobody has told its activation: wrongly read, it means nothing. */
const supposition = ({ config }) =>
  [element("span", { class: "supposed", text: `If the activation of the hidden layers is ${config.activation}, as is assumed:` }), " "];

/** The run's verdict comes first; where there is none yet, that of the step takes its place. */
export function renderSentence(state) {
  if (!state.run) return;
  const { comparison, comparisonProblem } = state;
  const run = runVerdict(state);
  const alone = state.overall?.verdict && comparison
    ? [element("span", { class: "alone", text: besideTheRun(comparison.better, state.overall.overall.better) }), " "] : [];
  const isJudged = Boolean(state.overall?.verdict);
  const supposed = isAssumed(state.run.config) ? supposition(state.run) : [];
  setChildren(byId("overall"), ...(isJudged ? supposed : []), ...run);
  byId("sentence").classList.toggle("waiting", !comparison);
  const step = comparison ? stepVerdict(comparison) : [comparisonProblem ?? waiting(state)].flat();
  setChildren(byId("sentence"), ...(comparison && !isJudged ? supposed : []), ...alone, ...step);
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
