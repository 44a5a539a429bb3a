// The drawing panel: sheet, tools, and the reading that follows the pen.

import { predict, readImage } from "../api.js";
import { createSheet, exported } from "./canvas.js";
import { byId, setText } from "../dom.js";
import { averageLabel, count } from "../format.js";
import { curve } from "../dashboard/history.js";
import { shownStep } from "../dashboard/selection.js";
import { createReader } from "./reader.js";
import { others, renderPixels, renderReading, setUpReading, source, verdict } from "./reading.js";

/** Wire the panel; returns { render, repaint }. */
export function setUpDrawing(state) {
  let reading = null;
  let problem = "";
  let seen = {};

  setUpReading();
  const sheet = createSheet(byId("canvas"), inkChanged);
  const reader = createReader(
    (body) => predict(state.get().runId, shownStep(state.get()) ?? "latest", body),
    (answer) => {
      reading = answer;
      problem = "";
      show(state.get());
    },
    (error) => {
      problem = error.status === 0 ? "The server cannot be reached; your drawing is read when it is back." : error.message;
      show(state.get());
    },
  );

  byId("undo").addEventListener("click", () => sheet.undo());
  byId("clear").addEventListener("click", () => sheet.clear());
  byId("random-image").addEventListener("click", showRandomImage);

  function inkChanged() {
    problem = "";
    if (sheet.isEmpty()) {
      reader.forget();
      reading = null;
    } else {
      ask();
    }
    show(state.get());
  }

  function ask() {
    const { run } = state.get();
    if (sheet.isEmpty() || run?.latest_checkpoint == null) return;
    reader.ask(() => exported(sheet.ink()));
  }

  async function showRandomImage() {
    const size = testImages(state.get());
    const index = Math.floor(Math.random() * size);
    try {
      sheet.show(await readImage("test", index));
      setText(byId("as-read-caption"), `28 × 28: test image ${count(index)}`);
    } catch (error) {
      state.set({ notice: error.message });
    }
  }

  function show(now) {
    const { run, average } = now;
    if (!run) return;
    const ema = reading?.averages.find((a) => a.average === average) ?? null;
    renderReading(reading, ema);
    renderPixels(reading?.image ?? null);
    byId("canvas-hint").hidden = !sheet.isEmpty();
    byId("undo").disabled = !sheet.canUndo();
    byId("clear").disabled = sheet.isEmpty();
    byId("random-image").disabled = !testImages(now);
    byId("random-image").hidden = run.config.data !== "mnist";
    if (!sheet.ink().picture || sheet.ink().strokes.length) setText(byId("as-read-caption"), "28 × 28: what the networks see");
    setText(byId("ema-name"), run.averages.length ? averageLabel(run, average) : "no average");
    setText(byId("reading-source"), reading ? source(run, reading) : "");
    setText(byId("other-readings"), reading ? others(run, reading, average) : "");
    setText(byId("reading-text"), problem || text(run, ema));
    byId("reading-text").classList.toggle("problem", Boolean(problem));
    byId("reading-text").classList.toggle("disagree", Boolean(reading && ema && reading.raw.digit !== ema.digit));
  }

  function text(run, ema) {
    if (reading) return verdict(reading, ema);
    if (run.latest_checkpoint === null) return "There is no checkpoint yet to read with; you can already draw.";
    return sheet.isEmpty() ? "Both sets of weights read along while you draw." : "Reading…";
  }

  function render(now) {
    if (!now.run) return;
    const before = seen;
    seen = { run: now.runId, checkpoint: shownStep(now) ?? now.run.latest_checkpoint, connection: now.connection };
    if (before.run !== seen.run) {
      reading = null;
      reader.forget();
    }
    const back = before.connection === "lost" && seen.connection === "live";
    if (before.run !== seen.run || before.checkpoint !== seen.checkpoint || back) ask();
    show(now);
  }

  return {
    render,
    repaint() {
      sheet.repaint();
      renderPixels(reading?.image ?? null);
    },
  };
}

/** How many test images there are; 0 while that is not known, and for data whose images the server does not show. */
function testImages({ run, history }) {
  if (run.config.data !== "mnist") return 0;
  return curve(history, "test", null)[0]?.n ?? 0;
}
