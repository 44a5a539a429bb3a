// What is looked at: the ticked runs, the order, the images, the weights. The page's address holds it all.

export const MOST_TICKED = 6;
export const NEWEST_FIRST = "-created";

const CHOICES = { split: ["validation", "test"], weights: ["both", "raw", "ema"] };

/** The selection in a page's address (its `search`). `ticked` is null where it says nothing of it. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const chosen = Object.entries(CHOICES).map(([name, values]) => {
    const value = given.get(name);
    return [name, values.includes(value) ? value : values[0]];
  });
  const ticked = given.get("runs");
  return {
    ...Object.fromEntries(chosen),
    ticked: ticked === null ? null : [...new Set(ticked.split(",").filter(Boolean))].slice(0, MOST_TICKED),
    sort: /^-?[\w:-]+$/.test(given.get("sort") ?? "") ? given.get("sort") : NEWEST_FIRST,
    filter: given.get("filter") ?? "",
    allKnobs: given.get("knobs") === "all",
  };
}

/** The address of a selection; what is as by default is left out. */
export function toAddress({ ticked, sort, filter, allKnobs, ...chosen }) {
  const address = new URLSearchParams();
  if (ticked) address.set("runs", ticked.join(","));
  if (sort !== NEWEST_FIRST) address.set("sort", sort);
  if (filter) address.set("filter", filter);
  if (allKnobs) address.set("knobs", "all");
  for (const [name, values] of Object.entries(CHOICES)) {
    if (chosen[name] !== values[0]) address.set(name, chosen[name]);
  }
  return `?${address}`.replaceAll("%2C", ",").replaceAll("%3A", ":"); // which need no disguise
}

/** Keep the address in line with the state. */
export function renderAddress(state) {
  if (state.runs === null) return;
  const address = toAddress(state);
  if (address !== (location.search || "?")) history.replaceState(null, "", address);
}
