// The drawing panel: sheet, tools, and the reading that follows the pen.

import { predict } from "../api.js";
import { LATEST, shownStep } from "../dashboard/selection.js";
import { byId, setText } from "../dom.js";
import { averageLabel } from "../format.js";
import { createSheet } from "./canvas.js";
import { exported, photoInk } from "./ink.js";
import { setUpKeeping } from "./keeping.js";
import { setUpPens } from "./pens.js";
import { pictureIn, setUpPictures } from "./pictures.js";
import { createReader } from "./reader.js";
import { others, renderPixels, renderReading, setUpReading, source, verdict } from "./reading.js";
import { setUpSamples } from "./samples.js";
import { setUpThrough } from "./through.js";

const BLANK = "nothing on it stands out"; // as the server says it
const AS_READ = "28 × 28: what the networks see";

/** Wire the panel; returns { render, repaint }. */
export function setUpDrawing(state) {
  const images = new WeakMap(); // what was read of each ink, so that it is the same however often it is read
  let reading = null;
  let problem = ""; // why there is no reading
  let refused = ""; // why a picture was not put on the sheet: a reading of what is there says nothing of that
  let seen = {};

  const pens = setUpPens(() => sheet.repaint());
  const sheet = createSheet(byId("canvas"), byId("pen-tip"), pens.width, inkChanged, (key) => {
    if (key !== "[" && key !== "]") return false;
    pens.next(key === "]" ? 1 : -1);
    return true;
  });
  const imageOf = (ink) => images.get(ink) ?? ink.pixels;
  const reader = createReader(read, (answer, ink) => {
    images.set(ink, imageOf(ink) ?? answer.image);
    reading = answer;
    problem = "";
    through.follow(images.get(ink));
    show(state.get());
  }, (error) => {
    problem = error.status ? error.message : "The server cannot be reached; your drawing is read when it is back.";
    reading = null;
    through.follow(null);
    show(state.get());
  });
  const through = setUpThrough(state, sheet.isDrawing);
  const renderKept = setUpKeeping(state, sheet, imageOf, readAs);
  const renderSamples = setUpSamples(state, sheet.show);

  setUpReading((digit) => through.choose(digit));
  setUpPictures(byId("picture-file"), byId("draw-panel"), showPicture);
  byId("undo").addEventListener("click", () => sheet.undo());
  byId("clear").addEventListener("click", () => sheet.clear());
  byId("open-picture").addEventListener("click", () => byId("picture-file").click());

  const averaged = ({ average }) => reading?.averages.find((one) => one.average === average) ?? null;

  /** The digit that the sheet's ink is read as, by the average where there is one; null while it is not read. */
  function readAs() {
    return (averaged(state.get()) ?? reading?.raw)?.digit ?? null;
  }

  /** Read ink by the checkpoint that is looked at now: a drawing once as it is, then always what was made of it. */
  async function read(ink) {
    const now = state.get();
    return predict(now.runId, shownStep(now) ?? LATEST, imageOf(ink) ?? (await exported(ink)));
  }

  function inkChanged(ink) {
    problem = "";
    refused = "";
    if (sheet.isEmpty()) {
      reader.forget();
      reading = null;
    } else {
      ask();
    }
    if (sheet.isEmpty() || imageOf(ink)) through.follow(imageOf(ink));
    else through.hold();
    show(state.get());
  }

  function ask() {
    const { run } = state.get();
    if (!sheet.isEmpty() && run?.latest_checkpoint != null) reader.ask(sheet.ink());
  }

  async function showPicture(file, how) {
    const name = how === "pasted" ? "the pasted picture" : file.name;
    try {
      const ink = photoInk(await pictureIn(file), how === "pasted" ? "Pasted picture" : name);
      if (await isBlank(ink)) throw new Error(`Nothing stands out on ${name}.`);
      sheet.show(ink);
      byId("draw-panel").querySelector(".desk").scrollIntoView({ block: "nearest" });
    } catch (error) {
      refused = error.message;
      show(state.get());
    }
  }

  /** Whether a picture is empty: it is not to take the place of what is on the sheet. */
  async function isBlank(ink) {
    if (state.get().run?.latest_checkpoint == null) return false;
    try {
      images.set(ink, (await read(ink)).image);
      return false;
    } catch ({ message }) {
      return message.includes(BLANK);
    }
  }

  function show(now) {
    const { run, average } = now;
    if (!run) return;
    const ema = averaged(now);
    const ink = sheet.ink();
    renderReading(reading, ema, ink.label, through.chosen());
    renderPixels(reading?.image ?? null);
    byId("canvas-hint").hidden = !sheet.isEmpty();
    byId("labelling").hidden = sheet.isEmpty();
    byId("canvas").classList.toggle("photo", ink.photo);
    byId("undo").disabled = !sheet.canUndo();
    byId("clear").disabled = sheet.isEmpty();
    setText(byId("as-read-caption"), (reading && ink.told) || AS_READ);
    byId("reading").classList.toggle("raw-only", !run.averages.length);
    setText(byId("ema-name"), averageLabel(run, average));
    setText(byId("reading-source"), reading ? source(run, reading) : "");
    byId("other-readings").hidden = run.averages.length < 2;
    setText(byId("other-readings"), reading ? others(run, reading, average) : "");
    setText(byId("reading-text"), refused || problem || text(run, ema));
    byId("reading-text").classList.toggle("problem", Boolean(refused || problem));
    byId("reading-text").classList.toggle("disagree", Boolean(reading && ema && reading.raw.digit !== ema.digit));
    renderSamples(now);
    renderKept(now);
  }

  function text(run, ema) {
    if (reading) return verdict(reading, ema);
    if (run.latest_checkpoint === null) return "There is no checkpoint yet; you can already draw.";
    if (!sheet.isEmpty()) return "Reading…";
    return `${run.averages.length ? "Both sets of weights" : "The raw weights"} read along while you draw.`;
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
    through.render(now);
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
