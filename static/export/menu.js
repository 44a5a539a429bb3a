// The menu that takes the weights of the shown step away, as a file of the framework that is to use them.

import { exportAddress, readFile } from "../api.js";
import { byId, setText } from "../dom.js";
import { averageLabel, bytesText, count } from "../format.js";
import { save } from "../save.js";

const EDGE = 16; // px that stay free around it

/**
 * Wire the menu and the button that opens it. `shown(state)`: { run, step, average } that are looked at; a run or a step
 * of null where there is none, an average of null where it keeps none. Returns the renderer.
 */
export function setUpExport(state, shown) {
  const menu = byId("export");
  const opener = document.querySelector("[popovertarget=export]");
  const links = [...menu.querySelectorAll("a[data-format]")];
  const radios = [...menu.querySelectorAll("input[name=weights]")];
  let wanted = "ema"; // where there is an average
  let busy = false;
  let subject = "";

  const place = () => {
    const { right, bottom } = opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    menu.style.inset = "auto";
    menu.style.margin = "0";
    menu.style.left = `${Math.max(EDGE, Math.min(right, innerWidth - EDGE) - width)}px`;
    menu.style.top = `${Math.max(EDGE, Math.min(bottom + 6, innerHeight - EDGE - height))}px`;
  };
  const isOpen = () => menu.matches(":popover-open");
  menu.addEventListener("toggle", () => isOpen() && place());
  window.addEventListener("resize", () => isOpen() && place());
  menu.addEventListener("change", ({ target }) => {
    wanted = target.value;
    render(state.get());
  });

  byId("formats").addEventListener("click", async (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    say("Making the file…");
    try {
      const { name, content } = await readFile(link.href);
      save(content, name);
      say(`${name} · ${bytesText(content.size)}`);
    } catch (problem) {
      say(problem.message, true);
    }
    setBusy(false);
  });

  function setBusy(is) {
    busy = is;
    for (const link of links) link.ariaDisabled = String(is);
  }

  function say(text, isProblem = false) {
    const status = byId("export-status");
    setText(status, text);
    status.classList.toggle("problem", isProblem);
    if (isOpen()) place();
  }

  function render(now) {
    const { run, step, average } = shown(now);
    opener.disabled = !run || step === null;
    if (opener.disabled) return;
    setText(byId("export-title"), `Download step ${count(step)}`);
    byId("export-ema").hidden = average === null;
    if (average !== null) setText(byId("export-average"), capital(averageLabel(run, average)));
    const ema = average !== null && wanted === "ema";
    for (const radio of radios) radio.checked = radio.value === (ema ? "ema" : "raw");
    const which = `${run.id} ${step} ${ema ? average : ""}`;
    if (which === subject) return;
    subject = which;
    if (!busy) say("");
    for (const link of links) {
      const { format } = link.dataset;
      // Of a network that is known by its function alone there is nothing but the numbers.
      link.parentElement.hidden = Boolean(run.config.network) && format !== "npz";
      link.href = exportAddress(run.id, step, { format, ...(ema && { ema, average }) });
    }
  }

  return render;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
