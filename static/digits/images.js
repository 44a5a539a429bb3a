// The dialog with the images behind one cell of a matrix.

import { byId, setText } from "../dom.js";
import { count } from "../format.js";
import { hasPictures, setUpGallery } from "./gallery.js";

const FIRST = 24;

/** Wire the dialog; returns `open({ title, by, step, split, find })`, `find` promising { total, entries }. */
export function setUpImages(state) {
  const dialog = byId("images");
  let asked = 0;
  const show = setUpGallery(byId("images-gallery"), byId("images-more"), FIRST,
    (looked) => state.set(looked));
  byId("images-close").addEventListener("click", () => dialog.close());

  return async function open({ title, by, step, split, find }) {
    asked += 1;
    const own = asked;
    const place = `step ${count(step)}, ${split}`;
    const pictured = hasPictures(state.get().run);
    setText(byId("images-title"), by ? `${title} by the ${by} weights` : title);
    setText(byId("images-text"), `Looking for the images of ${place}…`);
    show([], { split, pictured, fromStart: true });
    dialog.showModal();
    try {
      const { total, entries } = await find();
      if (own !== asked) return;
      const number = entries.length < total ? `The first ${count(entries.length)} of ${count(total)} images`
        : total === 1 ? "1 image" : `${count(total)} images`;
      const unpictured = pictured ? "" : " Only numbers can be listed; open one to see it.";
      setText(byId("images-text"), `${number}, ${place}.${unpictured}`);
      show(entries, { split, pictured, fromStart: true });
    } catch (problem) {
      if (own === asked) setText(byId("images-text"), `The images could not be listed: ${problem.message}`);
    }
  };
}
