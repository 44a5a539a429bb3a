// On a narrow page the answer and the curve come first: what is seldom done stands behind them.

import { byId } from "../dom.js";

/** Puts the buttons where they belong at this width, and again where it changes. */
export function setUpNarrow() {
  const tools = document.querySelector(".chart-tools");
  const header = tools.parentElement;
  const actions = [byId("rename-run"), byId("delete-run")].filter(Boolean);
  const narrow = matchMedia("(max-width: 44rem)");

  function place() {
    byId(narrow.matches ? "last-actions" : "actions")?.append(...actions);
    if (narrow.matches) byId("curve-frame").after(tools);
    else header.append(tools);
  }

  narrow.addEventListener("change", place);
  place();
}
