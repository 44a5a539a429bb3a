// Popovers that open beneath what opens them.

const EDGE = 16; // px that stay free around it
const BENEATH = 6; // px

/** Place an open `popover` beneath `opener`, its right end at the opener's, within the window. */
function placeBeneath(popover, opener) {
  const { right, bottom } = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  popover.style.inset = "auto";
  popover.style.margin = "0";
  popover.style.left = `${Math.max(EDGE, Math.min(right, innerWidth - EDGE) - width)}px`;
  popover.style.top = `${Math.max(EDGE, Math.min(bottom + BENEATH, innerHeight - EDGE - height))}px`;
}

/** Keep `popover` in its place while it is open; `opener()` is what it stands beneath at that moment. Returns `place`. */
export function keepBeneath(popover, opener) {
  const place = () => popover.matches(":popover-open") && placeBeneath(popover, opener());
  popover.addEventListener("toggle", place);
  window.addEventListener("resize", place);
  return place;
}
