// The table's rows: a run, its knobs, and how well its raw weights and its best average do.

import { remembered } from "../memo.js";
import { count, decayName } from "../format.js";
import { folderName } from "../start/report.js";

const accuracies = (name, group, point, split) =>
  ["raw", "ema"].map((weights) => ({ key: `${name}-${weights}`, group, weights, word: weights === "raw" ? "raw" : "averaged", point, split }));

/** The columns of accuracies: which weights, at which point, on which images. */
export const ACCURACIES = [
  ...accuracies("final", "Final, validation", "final", "validation"),
  ...accuracies("best", "Best, validation", "best", "validation"),
  ...accuracies("test", "Test at that step", "best", "test"),
];

/** The column of what averaging gains a run; its values come one by one (gains.js). */
export const GAIN = "gain";

const FAR_OFF = 2; // times the median error

/** The decays, with `constant` once where it holds for all of them. */
function averagesText(averages) {
  const constant = averages.length > 1 && averages.every(({ num_updates: warmUp }) => warmUp === false);
  const text = averages.map((average) => (constant ? average.decay : decayName(average))).join(" + ");
  return constant ? `${text}, constant` : text;
}

const startText = ({ run, folder, step, average }) =>
  `${run || folderName(folder)}, step ${count(step)}${average ? ", averaged" : ""}`;

/** A knob's value as one would say it. */
export function knobText(name, value) {
  if (name === "start_from" && value === null) return "the seed";
  if (value === undefined || value === null) return "–"; // another program trains the run
  if (name === "averages") return averagesText(value) || "none";
  if (name === "start_from") return startText(value);
  if (Array.isArray(value)) return value.join(" + ") || "none";
  return Number.isInteger(value) ? count(value) : String(value);
}

/** The knobs of any of the runs: of one that another program trains, few are known. */
export const knobsOf = (runs) => [...new Set(runs.flatMap(({ config }) => Object.keys(config)))];

/** The knobs in which not all runs are alike. */
export const differing = (runs) => knobsOf(runs).filter((name) => {
  const known = runs.map(({ config }) => config[name]).filter((value) => value !== undefined);
  const texts = new Set(known.map((value) => knobText(name, value)));
  return texts.size > 1;
});

/** The average of a run that reads the most validation images right at its best, of equals the first; or null. */
export function bestAverage(run, scores) {
  const correct = ({ name }) => scores?.averages[name]?.best.validation?.correct ?? -1;
  return run.averages.reduce((best, average) => (best && correct(best) >= correct(average) ? best : average), null);
}

/** The name of a run's average beside its number; "" where the run keeps no other. */
export const averageName = (run, average) => (average && run.averages.length > 1 ? decayName(average) : "");

/** The dashboard of a run, at its best average. */
export function dashboardAddress(run, average) {
  const chosen = average && average !== run.averages[0] ? `&average=${encodeURIComponent(average.name)}` : "";
  return `./?run=${encodeURIComponent(run.id)}${chosen}`;
}

/** One row for each run. */
export const toRows = remembered((runs, scores, gains) => runs.map((run) => {
  const found = scores.get(run.id);
  const average = bestAverage(run, found);
  return {
    run, average, raw: found?.raw ?? null, ema: (average && found?.averages[average.name]) ?? null,
    gain: average && gains.get(run.id)?.average === average.name ? gains.get(run.id) : null,
  };
}));

/** { step, share } of a row in a column of accuracies; null where nothing is evaluated. */
export function accuracyAt(row, { weights, point, split }) {
  const found = row[weights]?.[point];
  return found?.[split] ? { step: found.step, share: found[split] } : null;
}

/**
 * The scale [low, high] of the intervals of all accuracies in `rows`; left out are those whose error is more than twice
 * the median one, so that a run that failed does not press the others flat. Null where there are none.
 */
export function intervalScale(rows) {
  const found = rows.flatMap((row) => ACCURACIES.map((column) => accuracyAt(row, column)?.share).filter(Boolean));
  if (!found.length) return null;
  const errors = found.map(({ accuracy }) => 1 - accuracy).sort((a, b) => a - b);
  const limit = FAR_OFF * errors[Math.floor(errors.length / 2)];
  const usual = found.filter(({ accuracy }) => 1 - accuracy <= limit).map((share) => share.accuracy_interval);
  return [Math.min(...usual.map(([low]) => low)), Math.max(...usual.map(([, high]) => high))];
}

function sortValue(row, key) {
  const column = ACCURACIES.find((one) => one.key === key);
  if (column) return accuracyAt(row, column)?.share.accuracy ?? null;
  if (key === GAIN) return row.gain?.overall?.accuracy ?? null;
  if (key === "created") return row.run.created_at;
  if (key === "name") return row.run.name.toLowerCase();
  if (key === "step") return row.run.step;
  const knob = key.replace(/^knob:/, "");
  const value = row.run.config[knob];
  if (value === undefined || value === null) return null;
  if (knob === "averages") return value[0]?.decay ?? null;
  if (knob === "start_from") return knobText(knob, value);
  return Array.isArray(value) ? value.reduce((sum, one) => sum + one, 0) : value;
}

/** The rows in an order like `step` or, descending, `-step`; what has no value comes last either way. */
export function sorted(rows, order) {
  const down = order.startsWith("-");
  const key = down ? order.slice(1) : order;
  const keyed = rows.map((row) => ({ row, value: sortValue(row, key) }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    const order = typeof a.value === "string" ? a.value.localeCompare(b.value, "en", { numeric: true }) : a.value - b.value;
    return down ? -order : order;
  });
  return keyed.map(({ row }) => row);
}

/** The rows in which every word of `text` is found: in name, id, state or a knob. */
export function filtered(rows, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter(({ run }) => {
    const knobs = Object.entries(run.config).map(([name, value]) => `${name} ${knobText(name, value)} ${value}`);
    const all = [run.name, run.id, run.stalled ? "stalled" : run.state, ...knobs].join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
