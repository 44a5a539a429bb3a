// The newest result in one sentence.

import { byId, element, setChildren, setText } from "./dom.js";
import { averageLabel, count, decayName } from "./format.js";
import { rows } from "./history.js";

/** The newest step at which raw and chosen average have both been evaluated, or undefined. */
function newest(state) {
  const names = state.average ? [state.average] : [];
  return rows(state.history, state.split, names).find((row) => row.averaged.every(Boolean));
}

function outcome(difference) {
  if (difference === 0) return "exactly as many";
  return `${count(Math.abs(difference))} ${difference > 0 ? "more" : "fewer"}`;
}

const rawWord = (text) => element("span", { class: "raw-word", text });
const emaWord = (text) => element("span", { class: "ema-word", text });

function compare(state, { step, raw, averaged: [ema] }) {
  const { run, split, average } = state;
  const images = `of ${count(raw.n)} ${split} images right`;
  if (!ema) {
    const read = ` read ${count(raw.correct)} ${images}; this run keeps no average.`;
    return [`At step ${count(step)} the `, rawWord("raw weights"), read];
  }
  if (step === 0) {
    return [
      `Before the first step the `, rawWord("raw"), ` and the `, emaWord("averaged weights"),
      ` are the same random values: both read ${count(raw.correct)} ${images}.`,
    ];
  }
  const several = run.averages.length > 1;
  const which = several ? ` with decay ${decayName(run.averages.find((a) => a.name === average))}` : "";
  return [
    `At step ${count(step)} the `, emaWord("averaged weights"), `${which} read `,
    element("b", { text: count(ema.correct) }), ` ${images}, the `, rawWord("raw weights"), " ",
    element("b", { text: count(raw.correct) }), ": ",
    element("b", { class: "outcome", text: outcome(ema.correct - raw.correct) }), ".",
  ];
}

function waiting({ run, loaded }) {
  if (!loaded) return ["Loading the run…"];
  if (run.state === "queued") return ["Nothing to compare yet: the run has not begun."];
  if (run.latest_checkpoint !== null) return ["A checkpoint is saved and is being evaluated…"];
  if (run.state === "training") return ["No checkpoint yet: both sets of weights are compared as soon as the first one is saved."];
  return ["This run ended before its first checkpoint, so there is nothing to compare."];
}

/** How often the average was ahead: one checkpoint alone may well be luck. */
function tally({ history, split, average }) {
  if (!average) return "";
  const both = rows(history, split, [average]).filter(({ step, raw, averaged: [ema] }) => step > 0 && raw && ema);
  if (both.length < 2) return "";
  const differences = both.map(({ raw, averaged: [ema] }) => ema.correct - raw.correct);
  const ahead = differences.filter((d) => d > 0).length;
  const behind = differences.filter((d) => d < 0).length;
  const level = both.length - ahead - behind;
  return `Of the ${count(both.length)} checkpoints after the start, averaged was ahead of raw at ${count(ahead)}, ` +
    `level at ${count(level)}, behind at ${count(behind)}.`;
}

export function renderSentence(state) {
  if (!state.run) return;
  const row = newest(state);
  setText(byId("tally"), row ? tally(state) : "");
  byId("sentence").classList.toggle("waiting", !row);
  setChildren(byId("sentence"), ...(row ? compare(state, row) : waiting(state)));
}

/** The same in few words, for a reader who does not see the chart. */
export function summary(state) {
  const row = newest(state);
  if (!row) return "No evaluation yet.";
  const ema = row.averaged[0];
  const parts = [`raw ${count(row.raw.correct)}`];
  if (ema) parts.push(`${averageLabel(state.run, state.average)} ${count(ema.correct)}`);
  return `At step ${count(row.step)}, of ${count(row.raw.n)} ${state.split} images read right: ${parts.join(", ")}.`;
}
