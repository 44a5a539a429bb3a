// A question with two answers, asked in the page's one dialog.

import { byId } from "./dom.js";

/** Ask `question`; resolves to true for `yes`, to false for `no` and for Escape. `grave`: it cannot be undone. */
export function confirmed({ question, text, yes, no, grave = false }) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = question;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = yes;
  byId("confirm-yes").className = grave ? "grave" : "primary";
  byId("confirm-no").textContent = no;
  dialog.returnValue = "no";
  dialog.showModal();
  byId("confirm-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
