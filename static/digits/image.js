// The dialog about one image: what it is, what both sets of weights read in it, now and through training.

import { shownStep } from "../dashboard/selection.js";
import { byId, element, setChildren, setText } from "../dom.js";
import { article, count } from "../format.js";
import { makeBars } from "../readings/bars.js";
import { imageAddress } from "./card.js";
import { outcome } from "./disagreement.js";
import { hasPictures } from "./gallery.js";
import { setUpTrack } from "./track.js";
import { readingsAt } from "./tracking.js";

const SIDE = 28;

/** Wire the dialog, which is open as long as the state has an `image`; returns the renderer. */
export function setUpImage(state) {
  const dialog = byId("image");
  const showBars = makeBars(byId("image-bars"));
  const showTrack = setUpTrack((step) => state.set({ step }));
  let shown = false; // and not closed again: that is told a moment later, in which it is not to be opened anew

  function move(by) {
    const { image, imageList } = state.get();
    const place = imageList.findIndex(({ index }) => index === image);
    if (imageList.length > 1) state.set({ image: imageList.at((place + by) % imageList.length).index });
  }

  dialog.addEventListener("close", () => {
    shown = false;
    const focused = document.activeElement;
    if (focused === document.body || dialog.contains(focused)) focusCard(state.get().image);
    state.set({ image: null, imageList: [] });
  });
  byId("image-close").addEventListener("click", () => dialog.close());
  byId("image-previous").addEventListener("click", () => move(-1));
  byId("image-next").addEventListener("click", () => move(1));
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move(by);
  });

  return (now) => {
    const { run, image } = now;
    if (!run || image === null) {
      if (dialog.open) dialog.close();
      return;
    }
    render(now);
    if (!shown) dialog.showModal();
    shown = true;
  };

  function render(now) {
    const { run, image, imageList, split, average, track, tracking } = now;
    const step = shownStep(now);
    const label = track?.label ?? imageList.find(({ index }) => index === image)?.label ?? null;
    const is = label === null ? ["An image"] : [`This is ${article(label)} `, element("b", { text: label })];
    setChildren(byId("image-title"), ...is);
    setText(byId("image-place"), `${split} image ${count(image)}, step ${step === null ? "–" : count(step)}`);
    renderMoves(imageList, image);
    renderPicture(run, split, image, track);
    const readings = track && step !== null ? readingsAt(track, average, step) : null;
    byId("image-readings").classList.toggle("stale", tracking || !readings);
    byId("image-history").hidden = !readings;
    showBars(readings?.raw ?? null, readings?.ema ?? null, label);
    byId("image-bars").classList.toggle("raw-only", run.averages.length === 0);
    setText(byId("image-text"), told(now, readings, label));
    if (!readings) return;
    setText(byId("image-track-digit"), String(label));
    showTrack(track, average, label, readings);
  }
}

/** The card that opened the dialog is no longer there: another step has been chosen meanwhile. */
function focusCard(image) {
  const card = byId("disagreements-gallery").querySelector(`[data-index="${image}"]`);
  (card ?? byId("disagreements-kinds").querySelector(":checked")).focus();
}

function told({ tracking, trackProblem, ...now }, readings, label) {
  if (!readings) return tracking ? "Reading it with every checkpoint…" : trackProblem ?? "";
  const text = outcome(label, readings.raw, readings.ema);
  const exact = readings.step === shownStep(now);
  return exact ? text : `At step ${count(readings.step)}, the nearest that was read: ${text}`;
}

function renderMoves(imageList, image) {
  const place = imageList.findIndex(({ index }) => index === image);
  byId("image-moves").hidden = imageList.length < 2;
  setText(byId("image-count"), `${count(place + 1)} of ${count(imageList.length)}`);
}

function renderPicture(run, split, image, track) {
  const pictured = hasPictures(run);
  const img = byId("image-picture");
  const canvas = byId("image-canvas");
  img.hidden = !pictured;
  canvas.hidden = pictured;
  if (!pictured) return paint(canvas, track?.image ?? []);
  const address = imageAddress(split, image);
  if (img.getAttribute("src") !== address) img.setAttribute("src", address);
}

/** Paint 28 rows of 28 in [0, 1] as light ink on black, as the server's pictures are. */
function paint(canvas, rows) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIDE, SIDE);
  for (const [i, value] of rows.flat().entries()) pixels.data.fill(Math.round(255 * value), 4 * i, 4 * i + 3);
  for (let i = 3; i < pixels.data.length; i += 4) pixels.data[i] = 255;
  context.putImageData(pixels, 0, 0);
}
