// The menu that takes the weights of the shown step away, as a file of the framework that is to use them.

import { exportAddress, readFile } from "../api.js";
import { byId, setText } from "../dom.js";
import { averageLabel, bytesText, count } from "../format.js";
import { keepBeneath } from "../popover.js";
import { save } from "../save.js";

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

  // The button may be part of another menu, which is closed by now.
  const place = keepBeneath(menu, () => (opener.checkVisibility() ? opener : byId("run-menu-open")));
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
    place();
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
