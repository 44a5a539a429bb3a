// What is looked at: the study, the images, the weights, the axis. The page's address holds it all.

const CHOICES = {
  split: ["test", "validation"],
  weights: ["judged", "raw"],
  view: ["closeup", "everything"],
};

/** The selection in a page's address (its `search`); whatever it leaves out or has wrong is as by default. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const chosen = Object.entries(CHOICES).map(([name, values]) => {
    const value = given.get(name);
    return [name, values.includes(value) ? value : values[0]];
  });
  return { study: given.get("study") || null, of: given.get("of") ?? "full", ...Object.fromEntries(chosen) };
}

/** The address of a selection; what is as by default is left out. */
export function toAddress(selection) {
  const address = new URLSearchParams();
  if (selection.study !== null) address.set("study", selection.study);
  for (const [name, values] of Object.entries(CHOICES)) {
    if (selection[name] !== values[0]) address.set(name, selection[name]);
  }
  if (selection.of !== "full") address.set("of", selection.of);
  return `?${address}`;
}

/** Keep the address in line with the state. */
export function renderAddress(state) {
  if (state.report === null) return;
  const address = toAddress(state);
  if (address !== (location.search || "?")) history.replaceState(null, "", address);
}
