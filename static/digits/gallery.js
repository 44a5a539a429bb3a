// A gallery of images, some dozens at a time.

import { element } from "../dom.js";
import { count } from "../format.js";
import { card, imageAddress } from "./card.js";

const MORE = 72;

/**
 * Wire a gallery in `root`, which begins with `first` images, and its button `more`; `onOpen({ image, imageList, split })`
 * follows a click. → `show`
 */
export function setUpGallery(root, more, first, onOpen) {
  let shown = [];
  let limit = first;
  let split;
  let pictured;
  let pictures = new Map(); // by address, and kept: an image that stays does not load again

  function render() {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.index : null;
    const before = pictures;
    pictures = new Map();
    const cards = shown.slice(0, limit).map((entry) => card(entry, split, pictured ? picture(entry, before) : null));
    root.replaceChildren(...cards);
    root.classList.toggle("numbers-only", !pictured);
    if (focused) root.querySelector(`[data-index="${focused}"]`)?.focus({ preventScroll: true });
    const left = shown.length - cards.length;
    more.hidden = left === 0;
    more.textContent = `Show ${count(Math.min(left, MORE))} more of ${count(shown.length)}`;
  }

  function picture({ index }, before) {
    const address = imageAddress(split, index);
    const made = before.get(address)
      ?? element("img", { src: address, width: 28, height: 28, loading: "lazy", alt: "" });
    pictures.set(address, made);
    return made;
  }

  root.addEventListener("click", ({ target }) => {
    const index = target.closest(".card")?.dataset.index;
    if (index !== undefined) onOpen({ image: Number(index), imageList: shown, split });
  });
  more.addEventListener("click", () => {
    const next = limit;
    limit += MORE;
    render();
    root.children[next]?.focus();
  });

  /** Show entries { index, label, raw?, ema? } of a split; `fromStart`: only the first dozens again. */
  return function show(entries, { split: of, pictured: can, fromStart }) {
    [shown, split, pictured] = [entries, of, can];
    if (fromStart) limit = first;
    render();
  };
}

/** Whether the server has pictures of the images that a run is evaluated on. */
export const hasPictures = (run) => run.config.data === "mnist";
