// The panel "May validation choose?": validation against test accuracy of every checkpoint.

import { setUpKeys } from "../curves/pointer.js";
import { entry } from "../curves/readout.js";
import { setUpSchedule } from "../curves/schedule.js";
import { nearest } from "../curves/series.js";
import { CONFIG, style } from "../curves/style.js";
import { comparableSteps, shownStep } from "../dashboard/selection.js";
import { told } from "../dashboard/sentence.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { count, percent } from "../format.js";
import { remembered } from "../memo.js";
import { setUpAsking } from "./asking.js";
import { figure, placeOf, stepNear } from "./figure.js";
import { middle, shownSpan, sides } from "./pairs.js";
import { tableRows } from "./table.js";

const AHEAD = "300px 0px"; // so far beneath what is seen, the panel counts as seen

/** Wire the panel; returns the renderer. */
export function setUpAgreement(state) {
  const frame = byId("agreement-frame");
  const chart = byId("agreement-chart");
  const ring = (name) => element("i", { class: `pair-ring ${name}`, "aria-hidden": "true", hidden: true });
  const rings = new Map(["shown", "hovered"].map((name) => [name, [ring(name), ring(name)]])); // raw, averaged
  const radios = document.querySelectorAll("input[name=span]");
  const coloursOf = remembered(style);
  const sidesOf = remembered((key, curves, average, span) =>
    sides({ run: state.get().run, history: { curves }, average, span }));
  // A run that goes on is another object with each report, of which nothing else matters here.
  const keyOf = (run) => `${run.id} ${middle(run)} ${run.averages.length}`;
  const spanOf = remembered((key, curves, span) => shownSpan({ run: state.get().run, history: { curves }, span }));
  const spanNow = ({ run, history, span }) => spanOf(keyOf(run), history.curves, span);
  const sidesNow = (now) => sidesOf(keyOf(now.run), now.history.curves, now.average, spanNow(now));
  let seen = false;
  let last = []; // what the last drawing was made of
  let chosen = []; // what the user has chosen to see, as it was when the last drawing was asked for
  let drawn = null; // { sides, frame }

  frame.append(...[...rings.values()].flat());
  new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    if (seen) state.set({});
  }, { rootMargin: AHEAD }).observe(byId("agreement-panel"));
  for (const radio of radios) radio.addEventListener("change", () => state.set({ span: radio.value }));
  const follow = setUpAsking(state, () => seen);
  const schedule = setUpSchedule(frame, isReady, draw);
  setUpPointing(state, chart, () => drawn);
  setUpKeys(state, frame);

  function isReady() {
    const now = state.get();
    return now.run !== null && (drawn !== null || (seen && hasPoints(sidesNow(now))));
  }

  function draw(size) {
    const now = state.get();
    const found = sidesNow(now);
    const next = [found, now.themed, size.width, size.height];
    if (!next.every((value, i) => value === last[i])) {
      last = next;
      const { data, layout, frame: place } = figure(found, coloursOf(now.themed), size);
      window.Plotly.react(chart, data, layout, CONFIG);
      drawn = { sides: found, frame: place };
    }
    placeRings(now);
  }

  /** The rings around the shown and the hovered step lie over the figure: to move them draws nothing anew. */
  function placeRings(now) {
    if (!drawn) return;
    for (const [name, step] of [["shown", shownStep(now)], ["hovered", now.hovered]]) {
      for (const [i, mark] of rings.get(name).entries()) {
        const pair = drawn.sides[i]?.points.find((one) => one.step === step);
        mark.hidden = !pair;
        if (!pair) continue;
        const { x, y } = placeOf(drawn.frame, pair);
        mark.style.translate = `${Math.round(x)}px ${Math.round(y)}px`;
      }
    }
  }

  const readout = remembered(renderReadout);
  const numbers = remembered(renderNumbers);

  return (now) => {
    follow(now);
    if (!now.run) return;
    for (const radio of radios) radio.checked = radio.value === spanNow(now);
    const choice = [now.run.id, now.average, spanNow(now), now.themed];
    const other = choice.some((value, i) => value !== chosen[i]);
    chosen = choice;
    if (other || !drawn || !hasPoints(drawn.sides)) schedule.soon(0);
    else schedule.gather();
    setText(byId("agreement-note"), hasPoints(sidesNow(now)) ? "" : nothing(now));
    readout(sidesNow(now), now.hovered ?? shownStep(now) ?? Infinity);
    numbers(now.run, now.average, now.agreement, sidesNow(now));
    placeRings(now);
  };
}

/** The pointer's step becomes `hovered`, a click or tap chooses it. */
function setUpPointing(state, chart, drawn) {
  const stepAt = ({ clientX, clientY }) => {
    const box = chart.getBoundingClientRect();
    const { sides: found, frame } = drawn() ?? { sides: [] };
    return stepNear(found, frame, { x: clientX - box.left, y: clientY - box.top });
  };
  const point = (step) => {
    if (step !== state.get().hovered) state.set({ hovered: step });
    chart.classList.toggle("pointed", step !== null);
  };

  chart.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(stepAt(event)));
  chart.addEventListener("pointerleave", () => point(null));
  chart.addEventListener("click", (event) => {
    const step = stepAt(event);
    const steps = comparableSteps(state.get());
    if (step !== null && steps.length) state.set({ step: steps[nearest(steps, step)] });
  });
}

const hasPoints = (found) => found.some(({ points }) => points.length > 0);

/** Why there is no point to see. */
function nothing(now) {
  const { run, history, loaded } = now;
  if (!loaded) return "Loading…";
  const [whole] = sides({ ...now, span: "all" });
  if (whole.points.length) return `The second half begins after step ${count(middle(run))}.`;
  const underway = ["queued", "training", "watched"].includes(run.state) || run.latest_checkpoint !== null;
  if (!underway) return "This run has no checkpoint to compare.";
  const validated = [...history.curves.values()].some(([first]) => first?.split === "validation");
  return validated ? "The test images are still being read." : "This fills with the first evaluated checkpoint.";
}

/** Both accuracies at the step under the pointer, or else at the shown one. */
function renderReadout(found, pointed) {
  const steps = found[0].points.map(({ step }) => step);
  const at = steps[nearest(steps, pointed)];
  if (at === undefined) return setChildren(byId("agreement-readout"));
  const entries = found.map(({ raw, label, points }) => {
    const pair = points.find(({ step }) => step === at);
    const kind = raw ? "raw" : "ema";
    if (!pair) return entry(kind, label, "…");
    const value = (split) => {
      const { accuracy, correct, n } = pair[split];
      const name = element("small", { text: ` ${split}` });
      return element("dd", { title: `${count(correct)} of ${count(n)}` }, percent(accuracy), name);
    };
    const one = entry(kind, label, "");
    one.lastChild.replaceWith(value("validation"), value("test"));
    return one;
  });
  setChildren(byId("agreement-readout"), entry("step", "step", count(at)), ...entries);
}

function renderNumbers(run, average, agreement, found) {
  const some = hasPoints(found);
  const verdict = (average === null ? agreement?.raw : agreement?.averages[average])?.verdict;
  const waiting = some ? [element("p", { class: "caption", text: "Correlating…" })] : [];
  setChildren(byId("agreement-verdict"), ...(verdict ? paragraphs(verdict) : waiting));
  const rows = agreement ? tableRows({ run, average, agreement }) : [];
  byId("agreement-table").hidden = !rows.length;
  setText(byId("agreement-key"), some ? keyText(found) : "");
  setChildren(byId("agreement-table").tBodies[0], ...rows);
  const words = `Test by validation accuracy, a point for each checkpoint. ${verdict ?? ""}`;
  byId("agreement-chart").setAttribute("aria-label", words);
}

const MARKS = [["choice", "Large dot", "chosen by validation"], ["best", "Diamond", "best on the test images, in hindsight"]];

/** What the marks mean, and of which there is none as it lies before what is shown. */
const keyText = (found) => MARKS.map(([name, mark, what]) => {
  const there = found.some((side) => side.points.includes(side[name]));
  return there ? `${mark}: ${what}.` : `${what[0].toUpperCase()}${what.slice(1)}: in the first half.`;
}).join(" ") + " Ring: the shown step.";

/** What becomes of the claim, and what the choice costs: a paragraph each. */
function paragraphs(verdict) {
  const [claim, choice] = verdict.split(/ (?=Validation chooses)/);
  const [outcome, why] = claim.split(/(?<=:)/);
  return [element("p", {}, element("b", { text: outcome }), ...told(why)), element("p", {}, ...told(choice))];
}
