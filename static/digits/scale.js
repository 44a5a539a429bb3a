// The close-up axis that the ten digits' accuracies share.

const STEPS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
const MOST_PARTS = 4;
const SLIP = 1e-9; // of floating point

/** An axis around `shares` with round ticks, within 0 and 1: { low, high, ticks }. */
export function closeUp(shares) {
  const [least, greatest] = [Math.min(...shares), Math.max(...shares)];
  for (const step of STEPS) {
    const last = Math.max(Math.ceil(greatest / step - SLIP), 1);
    const first = Math.min(Math.floor(least / step + SLIP), last - 1);
    if (last - first <= MOST_PARTS) return axis(first, last, step);
  }
  return axis(0, 4, 0.25);
}

function axis(first, last, step) {
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { low: ticks[0], high: ticks.at(-1), ticks };
}

/** How far along the axis a share is, in percent. */
export const place = ({ low, high }, share) => (100 * (share - low)) / (high - low);

/** The ticks in percent, as exact as they need. */
export function tickLabels({ ticks }) {
  const apart = 100 * (ticks[1] - ticks[0]);
  const digits = [0, 1, 2].find((d) => Math.abs(apart - Number(apart.toFixed(d))) < SLIP) ?? 2;
  return ticks.map((share) => (100 * share).toFixed(digits));
}
