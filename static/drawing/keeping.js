// Kept drawings: what is on the sheet is kept as what it is read as, or as the digit that one says it is, and each
// checkpoint that is looked at reads all that are kept.

import { predictAll } from "../api.js";
import { confirmed } from "../confirm.js";
import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { article, averageLabel, count } from "../format.js";
import { remembered } from "../memo.js";
import { digitInk } from "./ink.js";
import { createKept, MOST, withDrawing, without } from "./kept.js";
import { marks, tally } from "./marks.js";
import { paintPixels } from "./pixels.js";

const PAUSE = 150; // ms: a slider that is dragged passes over most steps
const RETRY_AFTER = 4_000; // ms
const NONE = new Map();
const NONE_KEPT = "None yet. “Keep”, beside the sheet, puts a drawing here, to try on other steps and runs; "
  + "it is kept in this browser.";
const ARROWS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

/**
 * Wire labels and list; `imageOf(ink)` is what was read of the sheet's ink, or null, `readAs()` the digit that it is
 * read as, or null. Returns the renderer.
 */
export function setUpKeeping(state, sheet, imageOf, readAs) {
  const list = byId("kept-list");
  const kept = createKept(() => render(state.get()));
  let asked = null; // [drawings, run id, step] of the readings that are there or on their way
  let answer = null; // { run, step, readings by id }, which stays until the next one has come
  let problem = "";
  let request = null;
  let due;

  byId("label-choices").append(...Array.from({ length: 10 }, (_, digit) =>
    element("button", {
      type: "button", class: "small", "data-label": digit, text: digit,
      "aria-label": `It is ${article(digit)} ${digit}`,
    })));
  byId("label-choices").addEventListener("click", ({ target }) => {
    if (target.dataset.label) label(Number(target.dataset.label));
  });
  byId("keep").addEventListener("click", () => label(likely()));
  byId("kept-remove").addEventListener("click", () => remove(sheet.ink().kept));
  byId("kept-remove-all").addEventListener("click", removeAll);
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) putOnSheet(button.dataset.id);
  });
  list.addEventListener("keydown", moveAmong);

  const onSheet = () => kept.list().find(({ id }) => id === sheet.ink().kept) ?? null;

  /** What the sheet's ink is where that is known, else what it is read as. */
  const likely = () => sheet.ink().label ?? readAs();

  /** Keep what is on the sheet under this digit; the digit that it has already ends that. */
  function label(digit) {
    const ink = sheet.ink();
    const before = onSheet();
    if (before?.label === digit) return remove(before.id);
    const pixels = imageOf(ink);
    if (!pixels) return;
    const drawing = before ?? {
      id: crypto.randomUUID?.() ?? `${Date.now()}`, // a page that does not come from this machine has no randomUUID
      told: ink.photo ? "" : ink.told, pixels, strokes: ink.picture ? [] : ink.strokes,
    };
    const full = !before && kept.list().length >= MOST;
    sheet.mark({ kept: drawing.id, label: digit, pixels });
    kept.change((drawings) => withDrawing(drawings, { ...drawing, label: digit }));
    const notice = kept.stored() ? full && `Kept; the oldest of ${MOST} made room.`
      : "This browser's storage is full or closed: the drawing is kept until this page is left.";
    state.set(notice ? { notice } : {}); // the rows of the reading mark the digit, too
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
      question: "Remove all kept drawings?",
      text: `${number === 1 ? "The one" : `All ${number}`} in this browser; this cannot be undone.`,
      yes: "Remove all", no: "Keep them", grave: true,
    });
    if (yes) kept.change(() => []);
  }

  function putOnSheet(id) {
    const { label: digit, pixels, strokes, told } = kept.list().find((drawing) => drawing.id === id);
    const name = told || `Kept drawing: ${article(digit)}\u00a0${digit}`;
    sheet.show({ ...digitInk(pixels, digit, name, strokes), kept: id });
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
    if (!question) [answer, problem] = [null, ""];
    else due = setTimeout(readAll, PAUSE, ...question);
  }

  async function readAll(drawings, run, step) {
    const mine = new AbortController();
    request = mine;
    try {
      const read = await predictAll(run, step, drawings.map(({ pixels }) => pixels), mine.signal);
      if (request !== mine) return;
      const readings = new Map(drawings.map(({ id }, i) => [id, read.readings[i]]));
      [answer, problem] = [{ run: read.run, step: read.step, readings }, ""];
    } catch (error) {
      if (request !== mine) return;
      [answer, problem] = [null, error.message];
      if (!error.status || error.status >= 500) due = setTimeout(readAll, RETRY_AFTER, drawings, run, step);
    }
    request = null;
    render(state.get());
  }

  function render(now) {
    if (!now.run) return;
    ask(now);
    fillList(kept.list());
    paintList(kept.list(), now.themed);
    renderLabels();
    list.classList.toggle("stale", request !== null || answer?.run !== now.runId);
    renderMarks(kept.list(), answer?.readings ?? NONE, now.average, sheet.ink().kept);
    renderSummary(kept.list(), answer, problem, now.run, now.average);
  }

  const fillList = remembered((drawings) => {
    const focused = document.activeElement?.dataset.id;
    list.replaceChildren(...drawings.map(({ id }, i) => element("li", {},
      element("button", { type: "button", "data-id": id, tabindex: i ? "-1" : "0" },
        element("canvas", { width: 28, height: 28, "aria-hidden": "true" }),
        element("span", { class: "marks", "aria-hidden": "true" })))));
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  });

  const paintList = remembered((drawings) => {
    for (const [i, canvas] of [...list.querySelectorAll("canvas")].entries()) {
      paintPixels(canvas.getContext("2d"), drawings[i].pixels, getComputedStyle(canvas).color);
    }
  });

  function renderLabels() {
    const drawing = onSheet();
    const ready = drawing !== null || (!sheet.isEmpty() && imageOf(sheet.ink()) !== null);
    for (const button of byId("label-choices").children) {
      button.disabled = !ready;
      button.setAttribute("aria-pressed", String(Number(button.dataset.label) === drawing?.label));
    }
    const digit = drawing?.label ?? (ready ? likely() : null);
    byId("keep").disabled = drawing !== null || digit === null;
    setText(byId("keep"), `${drawing ? "Kept" : "Keep"}${digit === null ? "" : ` as ${article(digit)} ${digit}`}`);
    byId("keep").title = drawing ? "Below, under “Kept drawings”" : "In this browser, to try on other steps and runs";
    setText(byId("labelling-title"), drawing ? "Kept as" : "Wrong? Keep it as");
    byId("kept-remove").disabled = drawing === null;
  }

  // A moving pen renders with every point: what it does not change is left alone.
  const renderMarks = remembered((drawings, found, average, current) => {
    for (const [i, button] of [...list.querySelectorAll("button")].entries()) {
      const { id, label: digit, told } = drawings[i];
      const { parts, spoken } = marks(digit, found.get(id), average);
      button.setAttribute("aria-label", `${told || "A drawing"}, it is ${article(digit)} ${digit}. ${spoken}`);
      button.setAttribute("aria-current", String(id === current));
      button.title = told;
      setChildren(button.querySelector(".marks"), element("b", { text: digit }), ...parts);
    }
  });

  const renderSummary = remembered((drawings, at, trouble, run, average) => {
    byId("kept-tools").hidden = !drawings.length;
    setText(byId("kept-count"), drawings.length ? count(drawings.length) : "");
    byId("kept-summary").classList.toggle("problem", Boolean(trouble));
    setChildren(byId("kept-summary"), ...(at ? counted(drawings, at, run, average) : [trouble || why(drawings, run)]));
  });

  function why(drawings, run) {
    if (!drawings.length) return NONE_KEPT;
    return run.latest_checkpoint === null ? "They are read as soon as there is a checkpoint." : "Reading them…";
  }

  function counted(drawings, { step, readings }, run, average) {
    const { raw, ema } = tally(drawings, readings, average);
    const word = (kind, text) => element("span", { class: `${kind}-word`, text });
    return [`At step ${count(step)} `, word("raw", "raw"), ` reads ${count(raw)} right`,
      ...(ema === null ? [] : [", ", word("ema", averageLabel(run, average)), ` ${count(ema)}`]), "."];
  }

  return render;
}
