// The step that all panels show: a slider over the evaluated checkpoints, with play, and "latest" to follow.

import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { comparableSteps, LATEST, shownStep } from "./selection.js";

const PLAY_EVERY = 450; // ms

/** Wire the bar; returns the renderer. */
export function setUpSteps(state) {
  const slider = byId("step-slider");
  const play = byId("play");
  let playing = null; // while it plays, what holds the timer of the next step

  const place = () => comparableSteps(state.get()).indexOf(shownStep(state.get()));

  function go(index) {
    const steps = comparableSteps(state.get());
    const step = steps[Math.max(0, Math.min(index, steps.length - 1))];
    if (step !== undefined) state.set({ step });
  }

  function pause() {
    clearTimeout(playing?.timer);
    playing = null;
    render(state.get());
  }

  /** Go on, but only once the step is drawn: a slow machine shows each of them, too. */
  function goOn() {
    const mine = playing;
    requestAnimationFrame(() => {
      if (playing && playing === mine) playing.timer = setTimeout(advance, PLAY_EVERY);
    });
  }

  function advance() {
    if (place() >= comparableSteps(state.get()).length - 1) return pause();
    go(place() + 1);
    return goOn();
  }

  slider.addEventListener("input", () => {
    const chosen = slider.valueAsNumber; // the pause puts the slider back to where the state is
    pause();
    go(chosen);
  });
  byId("step-back").addEventListener("click", () => (pause(), go(place() - 1)));
  byId("step-on").addEventListener("click", () => (pause(), go(place() + 1)));
  byId("step-latest").addEventListener("click", () => {
    pause();
    state.set({ step: LATEST });
  });
  play.addEventListener("click", () => {
    if (playing) return pause();
    if (place() >= comparableSteps(state.get()).length - 1) go(0);
    playing = {};
    goOn();
    render(state.get());
  });

  function render(now) {
    if (!now.run) return;
    const steps = comparableSteps(now);
    const step = shownStep(now);
    const index = nearest(steps, step ?? 0);
    slider.max = Math.max(steps.length - 1, 0);
    slider.value = index;
    slider.disabled = steps.length < 2;
    slider.setAttribute("aria-valuetext", step === null ? "no step yet" : `step ${count(step)}`);
    setText(byId("step-shown"), step === null ? "–" : count(step));
    byId("step-latest").setAttribute("aria-pressed", String(now.step === LATEST));
    byId("step-back").disabled = index <= 0;
    byId("step-on").disabled = index >= steps.length - 1;
    play.disabled = steps.length < 2;
    play.setAttribute("aria-pressed", String(Boolean(playing)));
    play.setAttribute("aria-label", playing ? "Pause" : "Play the training");
  }

  return render;
}

function nearest(steps, step) {
  let best = 0;
  for (const [i, value] of steps.entries()) {
    if (Math.abs(value - step) <= Math.abs(steps[best] - step)) best = i;
  }
  return best;
}
