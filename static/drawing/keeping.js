// Kept drawings: "it is a 7" keeps what is on the sheet, and each checkpoint that is looked at reads all that are kept.

import { predictAll } from "../api.js";
import { confirmed } from "../confirm.js";
import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { averageLabel, count } from "../format.js";
import { digitInk } from "./ink.js";
import { createKept, MOST, withDrawing, without } from "./kept.js";
import { paintPixels } from "./pixels.js";
import { marks, tally } from "./marks.js";

const PAUSE = 150; // ms: a slider that is dragged passes over most steps
const RETRY_AFTER = 4_000; // ms
const ARROWS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

/** Wire labels and list; `sheet` is the drawing's, `imageOf(ink)` what was read of it, or null. Returns the renderer. */
export function setUpKeeping(state, sheet, imageOf) {
  const list = byId("kept-list");
  const kept = createKept(() => {
    listChanged = true;
    render(state.get());
  });
  let listChanged = true;
  let asked = null; // [drawings, run id, step] of the readings that are there or on their way
  let readings = new Map(); // by id
  let readAt = null; // { run, step } of the readings
  let problem = "";
  let request = null;
  let due;
  let themed = 0;

  byId("label-choices").append(...Array.from({ length: 10 }, (_, digit) =>
    element("button", { type: "button", class: "small", "data-label": digit, "aria-pressed": "false", "aria-label": `It is a ${digit}`, text: digit })));
  byId("label-choices").addEventListener("click", ({ target }) => target.dataset.label && label(Number(target.dataset.label)));
  byId("kept-remove").addEventListener("click", () => remove(sheet.ink().kept));
  byId("kept-remove-all").addEventListener("click", removeAll);
  list.addEventListener("click", ({ target }) => target.closest("button") && putOnSheet(target.closest("button").dataset.id));
  list.addEventListener("keydown", moveAmong);

  const onSheet = () => kept.list().find(({ id }) => id === sheet.ink().kept) ?? null;

  /** Keep what is on the sheet under this digit; the digit that it has already ends that. */
  function label(digit) {
    const ink = sheet.ink();
    const before = onSheet();
    if (before?.label === digit) return remove(before.id);
    const pixels = imageOf(ink);
    if (!pixels) return;
    const drawing = before ? { ...before, label: digit }
      : { id: crypto.randomUUID?.() ?? `${Date.now()}`, label: digit, told: ink.photo ? "" : ink.told, pixels, strokes: ink.picture ? [] : ink.strokes };
    const full = !before && kept.list().length >= MOST;
    sheet.mark({ kept: drawing.id, label: digit, pixels });
    kept.change((drawings) => withDrawing(drawings, drawing));
    if (!kept.stored()) state.set({ notice: "This browser's storage is full or closed; the drawing is kept until this page is left." });
    else if (full) state.set({ notice: `Kept; the oldest of ${MOST} made room.` });
  }

  function remove(id) {
    const place = kept.list().findIndex((drawing) => drawing.id === id);
    const focused = list.contains(document.activeElement) || document.activeElement === byId("kept-remove");
    kept.change((drawings) => without(drawings, id));
    if (focused) (list.querySelectorAll("button")[Math.min(place, kept.list().length - 1)] ?? byId("canvas")).focus();
  }

  async function removeAll() {
    const number = kept.list().length;
    const yes = await confirmed({
      question: "Remove all kept drawings?", text: `${number === 1 ? "The one" : `All ${number}`} in this browser; this cannot be undone.`,
      yes: "Remove all", no: "Keep them", grave: true,
    });
    if (yes) kept.change(() => []);
  }

  function putOnSheet(id) {
    const { label: digit, pixels, strokes, told } = kept.list().find((drawing) => drawing.id === id);
    sheet.show({ ...digitInk(pixels, digit, told || `Kept drawing: a\u00a0${digit}`, strokes), kept: id });
  }

  function moveAmong(event) {
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    if (event.key in ARROWS) buttons[Math.max(0, Math.min(buttons.length - 1, at + ARROWS[event.key]))].focus();
    else if (event.key === "Delete") remove(event.target.dataset.id);
    else return;
    event.preventDefault();
  }
  list.addEventListener("focusin", ({ target }) => {
    for (const button of list.querySelectorAll("button")) button.tabIndex = button === target ? 0 : -1;
  });

  function ask(now) {
    const step = now.run.latest_checkpoint === null ? null : shownStep(now) ?? "latest";
    const question = kept.list().length && step !== null ? [kept.list(), now.runId, step] : null;
    if (question === asked || (asked && question?.every((value, i) => value === asked[i]))) return;
    asked = question;
    clearTimeout(due);
    request?.abort();
    request = null;
    if (!question) [readings, readAt, problem] = [new Map(), null, ""];
    else due = setTimeout(readAll, PAUSE, ...question);
  }

  async function readAll(drawings, run, step) {
    const mine = new AbortController();
    request = mine;
    try {
      const answer = await predictAll(run, step, drawings.map(({ pixels }) => pixels), mine.signal);
      if (request !== mine) return;
      readings = new Map(drawings.map(({ id }, i) => [id, answer.readings[i]]));
      [readAt, problem] = [{ run: answer.run, step: answer.step }, ""];
    } catch (error) {
      if (request !== mine) return;
      [readings, readAt, problem] = [new Map(), null, error.message];
      if (!error.status || error.status >= 500) due = setTimeout(readAll, RETRY_AFTER, drawings, run, step);
    }
    request = null;
    render(state.get());
  }

  function render(now) {
    if (!now.run) return;
    ask(now);
    if (listChanged) fillList();
    if (listChanged || themed !== now.themed) paintList();
    listChanged = false;
    themed = now.themed;
    renderLabels();
    renderMarks(now);
    renderSummary(now);
  }

  function fillList() {
    const focused = document.activeElement?.dataset.id;
    list.replaceChildren(...kept.list().map(({ id }, i) => element("li", {},
      element("button", { type: "button", "data-id": id, tabindex: i ? "-1" : "0" },
        element("canvas", { width: 28, height: 28, "aria-hidden": "true" }),
        element("span", { class: "marks", "aria-hidden": "true" })))));
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  function paintList() {
    for (const [i, canvas] of [...list.querySelectorAll("canvas")].entries()) {
      paintPixels(canvas.getContext("2d"), kept.list()[i].pixels, getComputedStyle(canvas).color);
    }
  }

  function renderLabels() {
    const drawing = onSheet();
    const ready = drawing !== null || (!sheet.isEmpty() && imageOf(sheet.ink()) !== null);
    for (const button of byId("label-choices").children) {
      button.disabled = !ready;
      button.setAttribute("aria-pressed", String(Number(button.dataset.label) === drawing?.label));
    }
    byId("kept-remove").disabled = drawing === null;
  }

  function renderMarks(now) {
    list.classList.toggle("stale", request !== null || readAt?.run !== now.runId);
    for (const [i, button] of [...list.querySelectorAll("button")].entries()) {
      const { id, label: digit, told } = kept.list()[i];
      const found = marks(digit, readings.get(id), now.average);
      button.setAttribute("aria-label", `${told || "A drawing"}, it is a ${digit}. ${found.spoken}`);
      button.setAttribute("aria-current", String(sheet.ink().kept === id));
      button.title = told;
      setChildren(button.querySelector(".marks"), element("b", { text: digit }), ...found.parts);
    }
  }

  function renderSummary(now) {
    const drawings = kept.list();
    byId("kept-tools").hidden = !drawings.length;
    setText(byId("kept-count"), drawings.length ? count(drawings.length) : "");
    const { raw, ema } = tally(drawings, readings, now.average);
    const text = !drawings.length ? ["Say above what a drawing is, and it is kept in this browser, to be tried on other steps and other runs."]
      : readAt === null ? [problem || (now.run.latest_checkpoint === null ? "They are read as soon as there is a checkpoint." : "Reading them…")]
      : [`At step ${count(readAt.step)} `, element("span", { class: "raw-word", text: "raw" }), ` reads ${raw} right`,
        ...(ema === null ? [] : [", ", element("span", { class: "ema-word", text: averageLabel(now.run, now.average) }), ` ${ema}`]), "."];
    setChildren(byId("kept-summary"), ...text);
    byId("kept-summary").classList.toggle("problem", Boolean(problem));
  }

  return render;
}
