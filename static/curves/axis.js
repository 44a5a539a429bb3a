// The step axis: from where to where, linear or logarithmic, and between steps and places on it.

const FEW_STEPS = 10; // fewer would be numbered with fractions
const MARGIN = 0.015;
const HALVINGS = 3;
const ROOM = 0.8; // of the axis, at most, that is known when it begins
const DECADES = [1, 2, 3, 6, 12, 24, 48, 96]; // from one tick to the next

/** The states of a run that does not go on. */
export const ENDED = new Set(["finished", "stopped", "failed", "diverged"]);

/**
 * The last step of the axis: where the run has ended, or is to end. Early in training it is half of that, or a
 * quarter, or an eighth, so that there is something to see.
 */
export function lastStep({ run, history }) {
  const evaluated = [...history.curves.values()].map((points) => points.at(-1)?.step ?? 0);
  const known = Math.max(run.step, history.training.step.at(-1) ?? 0, ...evaluated);
  if (ENDED.has(run.state) && known) return Math.max(known, FEW_STEPS);
  let last = Math.max(run.steps, known);
  for (let i = 0; i < HALVINGS && known > 0 && known <= ROOM * (last / 2); i += 1) last /= 2;
  return Math.max(last, FEW_STEPS);
}

/** The axis { low, high, log }, in steps, or in powers of ten; `first` is the first step above 0 that is drawn. */
export function stepAxis(state, first) {
  const log = state.scale === "log";
  const least = Math.max(first ?? 1, 1);
  if (state.zoomed) {
    const [from, to] = state.zoomed;
    if (!log) return { low: from, high: to, log };
    return { low: Math.log10(Math.max(from, least / 2)), high: Math.log10(to), log };
  }
  const last = lastStep(state);
  const low = log ? Math.log10(Math.min(least, last / 2)) : 0;
  const high = log ? Math.log10(last) : last;
  const margin = MARGIN * (high - low);
  return { low: low - margin, high: high + margin, log };
}

/** Where a step is on the axis: 0 is its left end, 1 its right end; NaN where a logarithmic one has no place for it. */
export function toPlace({ low, high, log }, step) {
  const value = log ? (step > 0 ? Math.log10(step) : NaN) : step;
  return (value - low) / (high - low);
}

/** The step (not a whole one) at a place on the axis. */
export function toStep({ low, high, log }, place) {
  const value = low + place * (high - low);
  return log ? 10 ** value : value;
}

/**
 * Ticks of a logarithmic axis between `low` and `high` (both > 0), at round values of each decade; where that were more
 * than `most` decades, of some of them.
 */
export function logTicks(low, high, most = Infinity) {
  const span = Math.log10(high / low);
  const digits = span > 2.5 ? [1] : span > 1 ? [1, 3] : span > 0.45 ? [1, 1.5, 2, 3, 5, 7] : null;
  if (digits === null) return evenTicks(low, high);
  const values = [];
  const every = DECADES.find((decades) => span < most * decades);
  for (let decade = every * Math.floor(Math.log10(low) / every); decade <= Math.log10(high); decade += every) {
    values.push(...digits.map((digit) => Number((digit * 10 ** decade).toPrecision(2))));
  }
  return values.filter((value) => value >= low && value <= high);
}

/** About `wanted` round values from `low` to `high`. */
export function evenTicks(low, high, wanted = 4) {
  const step = roundStep((high - low) / wanted);
  const values = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) values.push(Number((i * step).toPrecision(12)));
  return values;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below `value`. */
export function roundStep(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((digit) => digit * decade >= value * (1 - 1e-9)) * decade;
}
