// On a narrow page the answer and the curve come first: what is read or done less often stands behind them.

import { byId } from "../dom.js";
import { keepBeneath } from "../popover.js";

/** Puts what has another place on a narrow page there, and back where it grows wide; returns the renderer. */
export function setUpNarrow() {
  setUpMenu();
  const narrow = matchMedia("(max-width: 44rem)");
  const foot = byId("curve-foot");
  const moves = [
    [byId("split-switch"), (moved) => byId("curve-title").after(moved)],
    [document.querySelector(".chart-tools"), (moved) => foot.after(moved)],
    [byId("best-steps"), (moved) => foot.after(moved)],
    ...[byId("rename-run"), byId("inspect-step"), document.querySelector("[popovertarget=export]"), byId("delete-run")]
      .map((moved) => [moved, () => byId("run-menu").append(moved)]),
  ].filter(([moved]) => moved).map(([moved, move]) => ({ move: () => move(moved), back: wayBack(moved) }));
  const sentence = byId("sentence");
  const sentenceBack = wayBack(sentence);

  function place() {
    if (narrow.matches) for (const { move } of moves) move();
    // The last to have left is the first to be back: its neighbour may have left, too.
    else for (const { back } of moves.toReversed()) back();
  }

  /** The sentence on one step is the answer as long as there is none for the run. */
  function placeSentence() {
    const below = narrow.matches && byId("overall").childNodes.length > 0;
    if (below === (sentence.previousElementSibling === foot)) return;
    if (below) foot.after(sentence);
    else sentenceBack();
  }

  narrow.addEventListener("change", () => {
    place();
    placeSentence();
  });
  place();
  return placeSentence;
}

/** What is done less often to the run, in a menu beside its state. */
function setUpMenu() {
  const menu = byId("run-menu");
  keepBeneath(menu, () => byId("run-menu-open"));
  // First of all: a dialog then returns the focus to what has opened the menu, which is still to be seen.
  menu.addEventListener("click", () => menu.hidePopover(), { capture: true });
}

/** What puts an element back to where it is now: before its neighbour, or at the end of its parent. */
function wayBack(moved) {
  const { parentElement: parent, nextElementSibling: next } = moved;
  return () => parent.insertBefore(moved, next?.parentElement === parent ? next : null);
}
