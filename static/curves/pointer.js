// Pointing at steps on a figure, and choosing them, by mouse, finger and keys.

import { comparableSteps, LATEST, shownStep } from "../dashboard/selection.js";
import { nearest } from "./series.js";

const CLICK = 5; // px: a pointer that went farther has drawn something

/**
 * Listens on `chart`. `stepAt(event)` is the step under the pointer or null; `hold(held)` hears whether the
 * pointer is down. The pointer's step becomes `hovered`; a click or tap chooses the evaluated step nearest to it.
 */
export function setUpPointer(state, chart, stepAt, hold) {
  let pressed = null;

  const point = (step) => step !== state.get().hovered && state.set({ hovered: step });

  function choose(pointed) {
    const steps = comparableSteps(state.get());
    if (pointed !== null && steps.length) state.set({ step: steps[nearest(steps, pointed)] });
  }

  function release(event) {
    hold(false);
    const near = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < CLICK;
    pressed = null;
    return near;
  }

  chart.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(stepAt(event)));
  chart.addEventListener("pointerleave", () => point(null));
  chart.addEventListener("pointerdown", (event) => {
    hold(true);
    pressed = event.button === 0 ? event : null;
  }, true);
  // While the pointer is down Plotly lays a sheet over the page, which then gets the rest of the events.
  window.addEventListener("pointerup", (event) => release(event) && choose(stepAt(event)), true);
  window.addEventListener("pointercancel", release, true);
}

/** On `frame`, arrow keys choose the evaluated step before and after, Home and End the ends, Escape the newest. */
export function setUpKeys(state, frame) {
  frame.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.target !== frame) return;
    const now = state.get();
    const steps = comparableSteps(now);
    const at = nearest(steps, shownStep(now) ?? 0);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (event.key === "Escape") state.set({ step: LATEST });
    else if (to === undefined) return;
    else if (steps[to] !== undefined) state.set({ step: steps[to] });
    event.preventDefault();
  });
}
