// Fewer points than there are, where there are more than pixels.

/**
 * The indices of at most about `most` of `n` values, ascending: of each group of neighbours the least and the
 * greatest, and the first and the last of all; so no peak is lost. `value(i)` may be null: these are left out.
 */
export function extremes(n, value, most) {
  if (n <= most) return Array.from({ length: n }, (_, i) => i);
  const groups = Math.floor(most / 2);
  const kept = new Set([0]);
  for (let group = 0; group < groups; group += 1) {
    const end = Math.floor(((group + 1) * n) / groups);
    let low = null;
    let high = null;
    for (let i = Math.floor((group * n) / groups); i < end; i += 1) {
      const here = value(i);
      if (here === null) continue;
      if (low === null || here < value(low)) low = i;
      if (high === null || here > value(high)) high = i;
    }
    // Both in their order: the set keeps it, and no sorting is needed.
    if (low !== null) kept.add(Math.min(low, high)).add(Math.max(low, high));
  }
  return [...kept.add(n - 1)];
}

/** Those of `points` ({ step, … }, ascending) that are between two steps, and the next one on either side. */
export function within(points, from, to) {
  const first = points.findIndex(({ step }) => step >= from);
  const end = points.findIndex(({ step }) => step > to);
  return points.slice(Math.max(0, (first < 0 ? points.length : first) - 1), end < 0 ? points.length : end + 1);
}
