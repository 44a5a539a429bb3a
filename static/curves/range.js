// The part of the accuracy axis worth looking at.

const ENOUGH_STEPS = 3;
const FAR_OFF = 2; // times the median error
const LEAST_SPAN = 0.002;
const MARGIN = 0.12;

function median(values) {
  const sorted = values.toSorted();
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Whether the evaluations are of at least so many steps. */
function hasSteps(evaluations, enough) {
  const steps = new Set();
  return evaluations.some(({ step }) => steps.add(step).size >= enough);
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
  if (!hasSteps(evaluations, ENOUGH_STEPS)) return null;
  const accuracies = Float64Array.from(evaluations, (e) => e.accuracy);
  const limit = FAR_OFF * Math.max(1 - median(accuracies), LEAST_SPAN);
  const [low, high] = extent(accuracies.filter((accuracy) => 1 - accuracy <= limit));
  const margin = MARGIN * Math.max(high - low, LEAST_SPAN);
  const range = [low - margin, Math.min(high + margin, 1 + margin / 2)];
  return { range, below: evaluations.filter((e) => e.accuracy < range[0]) };
}

/** Without the points before the first one at or above `low`: a curve begins in the picture, not beneath it. */
export function risen(points, low) {
  const first = points.findIndex((e) => e.accuracy >= low);
  return first > 0 ? points.slice(first) : points;
}
