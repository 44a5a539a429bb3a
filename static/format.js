// Numbers and names as the page writes them.

const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const NBSP = "\u00a0";

export const count = (value) => whole.format(value);

/** A difference with its sign; a true minus, and no sign for none. */
export function signed(difference) {
  if (difference === 0) return "0";
  return `${difference > 0 ? "+" : "−"}${count(Math.abs(difference))}`;
}

/** "1 image", "12 images", "no image". */
export function images(number) {
  if (number === 0) return "no image";
  return number === 1 ? "1 image" : `${count(number)} images`;
}

/** The article of a digit: an 8, a 4. */
export const article = (digit) => (digit === 8 ? "an" : "a");

/** A share in [0, 1] in percent. */
export const percent = (share, digits = 2) => `${(share * 100).toFixed(digits)}${NBSP}%`;

/** A difference of shares in percentage points, with its sign. */
export function points(share) {
  const digits = (100 * Math.abs(share)).toFixed(2);
  if (!Number(digits)) return share === 0 ? "0.00" : `${share > 0 ? "+" : "−"}${(100 * Math.abs(share)).toPrecision(1)}`;
  return `${share > 0 ? "+" : "−"}${digits}`;
}

export const time = (unixSeconds) => clock.format(new Date(unixSeconds * 1000));

/** A length of time in words, as exact as is of use. */
export function duration(seconds) {
  if (seconds < 1) return `under 1${NBSP}s`;
  if (seconds < 90) return `${Math.round(seconds)}${NBSP}s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)}${NBSP}min`;
  return `${(seconds / 3600).toFixed(1)}${NBSP}h`;
}

/** A number to three significant digits (or more), without an exponent where it is readable without. */
export const significant = (value, digits = 3) => (value === null ? "–" : String(Number(value.toPrecision(digits))));

/** A number of bytes. */
export function bytesText(bytes) {
  const [unit, power] = [["GB", 9], ["MB", 6], ["kB", 3]].find(([, p]) => bytes >= 10 ** p) ?? ["bytes", 0];
  return `${power ? (bytes / 10 ** power).toFixed(1) : count(bytes)}${NBSP}${unit}`;
}

/**
 * What tells an average from the run's others: its decay, and `constant` where it has no warm-up; its name where
 * another program keeps it.
 */
export const decayName = ({ decay, num_updates: warmUp, name }) => (decay === null ? name : `${decay}${warmUp ? "" : " constant"}`);

/** The name of an average on the page; the decay only where the run keeps several. */
export function averageLabel(run, name) {
  const average = run.averages.find((a) => a.name === name);
  return average && run.averages.length > 1 ? `averaged ${decayName(average)}` : "averaged";
}
