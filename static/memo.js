// Values that are computed again only when what they are made of is another.

/** `compute`, which answers equal arguments (by identity) with the result that it gave the last time. */
export function remembered(compute) {
  let last = null;
  let result;
  return (...values) => {
    if (last === null || values.some((value, i) => value !== last[i])) {
      result = compute(...values);
      last = values;
    }
    return result;
  };
}
