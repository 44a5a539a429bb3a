// The part of the accuracy axis worth looking at.

const ENOUGH_STEPS = 3;
const FAR_OFF = 2; // times the median error
const LEAST_SPAN = 0.002;
const MARGIN = 0.12;

function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)];
}

/** The least and the greatest of the values; of so many that they cannot be arguments of one call, too. */
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/**
 * The range [low, high] of a close-up on `evaluations` of all shown curves, and those that lie below it.
 * A point is left out where its error is more than twice the median error: so the first steps do not
 * press the rest flat. Null where there are too few steps to leave any out.
 */
export function closeUp(evaluations) {
  const steps = new Set(evaluations.map((e) => e.step));
  if (steps.size < ENOUGH_STEPS) return null;
  const limit = FAR_OFF * Math.max(median(evaluations.map((e) => 1 - e.accuracy)), LEAST_SPAN);
  const [low, high] = extent(evaluations.filter((e) => 1 - e.accuracy <= limit).map((e) => e.accuracy));
  const margin = MARGIN * Math.max(high - low, LEAST_SPAN);
  const range = [low - margin, Math.min(high + margin, 1 + margin / 2)];
  return { range, below: evaluations.filter((e) => e.accuracy < range[0]) };
}

/** Without the points before the first one at or above `low`: a curve begins in the picture, not beneath it. */
export function risen(points, low) {
  const first = points.findIndex((e) => e.accuracy >= low);
  return first > 0 ? points.slice(first) : points;
}
