// How exactly a share is known.

const Z = 1.959963984540054; // the 97.5 % quantile of the normal distribution

/** Wilson's 95 % interval [low, high] of the share `correct` / `n`, for n ≥ 1 (Wilson 1927). */
export function wilson(correct, n) {
  const share = correct / n;
  const weight = (Z * Z) / n;
  const middle = share + weight / 2;
  const reach = Z * Math.sqrt((share * (1 - share) + weight / 4) / n);
  // At the ends the bound is exact, where rounding would miss it.
  return [correct ? (middle - reach) / (1 + weight) : 0, correct < n ? (middle + reach) / (1 + weight) : 1];
}
