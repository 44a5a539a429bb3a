// The chart "through training": the probability of one digit by step, raw and averaged, and a mark to take along.

import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent } from "../format.js";

const [WIDTH, HEIGHT] = [1000, 100]; // of the drawing, which is stretched to its place
const KEYS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5, Home: -Infinity, End: Infinity,
};

/** Wire the chart; `onStep(step)` follows a click, a drag or a key. Returns `show(track, average, digit, readings)`. */
export function setUpTrack(onStep) {
  const frame = byId("image-track");
  let steps = [];
  let place = -1;

  const goTo = (index) => {
    const next = Math.max(0, Math.min(steps.length - 1, index));
    if (next !== place && steps.length) onStep(steps[next]);
  };
  const follow = ({ clientX }) => {
    const { left, width } = frame.getBoundingClientRect();
    const at = steps[0] + ((clientX - left) / width) * (steps.at(-1) - steps[0]);
    const nearest = steps.reduce((best, step, i) => (Math.abs(step - at) < Math.abs(steps[best] - at) ? i : best), 0);
    goTo(nearest);
  };
  frame.addEventListener("pointerdown", (event) => {
    frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && follow(event));
  frame.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    event.stopPropagation(); // the dialog's arrow keys go to other images
    goTo(place + KEYS[event.key]);
  });

  return function show(track, average, digit, readings) {
    steps = track.step;
    place = readings.place;
    const x = along(steps);
    byId("image-track-raw").setAttribute("d", path(steps, track.raw, digit, x));
    const averaged = track.averages[average];
    byId("image-track-ema").setAttribute("d", averaged ? path(steps, averaged, digit, x) : "");
    byId("image-track-mark").style.left = `${(100 * x(readings.step)) / WIDTH}%`;
    setText(byId("image-track-first"), count(steps[0]));
    setText(byId("image-track-last"), count(steps.at(-1)));
    frame.setAttribute("aria-valuemin", steps[0]);
    frame.setAttribute("aria-valuemax", steps.at(-1));
    frame.setAttribute("aria-valuenow", readings.step);
    frame.setAttribute("aria-valuetext", spoken(readings, digit));
    setChildren(byId("image-track-text"), ...told(readings, digit));
  };
}

/** Where a step is in the drawing. */
function along(steps) {
  const [first, last] = [steps[0], steps.at(-1)];
  return (step) => (last === first ? WIDTH / 2 : (WIDTH * (step - first)) / (last - first));
}

/** The line of a digit's probability: as text for an SVG path, 1 at the top. */
export function path(steps, { probabilities }, digit, x) {
  return steps.map((step, i) => {
    const y = HEIGHT * (1 - probabilities[i][digit]);
    return `${i ? "L" : "M"}${x(step).toFixed(1)} ${y.toFixed(2)}`;
  }).join("");
}

/** The same with the words in their colours: the key to the lines. */
function told(readings, digit) {
  return spoken(readings, digit).split(/(raw|averaged)/).map((part, i) =>
    (i % 2 ? element("span", { class: part === "raw" ? "raw-word" : "ema-word", text: part }) : part));
}

function spoken({ step, raw, ema }, digit) {
  const averaged = ema ? `, averaged ${percent(ema.probabilities[digit], 1)}` : "";
  return `Step ${count(step)}: raw ${percent(raw.probabilities[digit], 1)}${averaged}.`;
}
