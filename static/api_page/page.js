// The page of the API: the theme, and the list of operations beside what one reads.

import { byId } from "../dom.js";
import { setUpTheme } from "../theme.js";

const narrow = matchMedia("(max-width: 66rem)"); // where the list stands above all else

const contents = byId("contents");
const links = new Map([...contents.querySelectorAll("a[href^='#']")].map((link) => [link.hash.slice(1), link]));

function fold() {
  contents.open = !narrow.matches;
}

/** Mark the operation that is read in the list, and have it in sight there. */
function mark(id) {
  for (const link of links.values()) link.removeAttribute("aria-current");
  const link = links.get(id);
  link.setAttribute("aria-current", "true");
  const { top, bottom } = link.getBoundingClientRect();
  if (!narrow.matches && (top < 0 || bottom > innerHeight)) contents.parentElement.scrollTop += top - innerHeight / 2;
}

setUpTheme(() => {});
narrow.addEventListener("change", fold);
fold();
contents.addEventListener("click", ({ target }) => narrow.matches && target.closest("a") && fold());

const seen = new IntersectionObserver((entries) => {
  const read = entries.filter((entry) => entry.isIntersecting).at(-1);
  if (read) mark(read.target.id);
}, { rootMargin: "-20% 0px -79%" }); // a line a fifth from the top
for (const id of links.keys()) if (byId(id)?.matches(".panel")) seen.observe(byId(id));
