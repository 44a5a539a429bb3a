// Elements: find one, make one, change one only where it differs.

export const byId = (id) => document.getElementById(id);

/** An element with properties (`class`, `text`, or any attribute) and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "text") made.textContent = value;
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Set the text, leaving the node alone where nothing changes: a selection and a live region stay quiet. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Replace the children where the new ones differ; what takes the place of a focused one has the focus. */
export function setChildren(target, ...children) {
  const next = document.createElement("div");
  next.append(...children);
  if (next.innerHTML === target.innerHTML) return;
  const place = controls(target).indexOf(document.activeElement);
  target.replaceChildren(...next.childNodes);
  if (place >= 0) controls(target)[place]?.focus({ preventScroll: true });
}

const controls = (parent) => [...parent.querySelectorAll("a, button, input, select")];
