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

/** Replace the children where the new ones differ. */
export function setChildren(target, ...children) {
  const next = document.createElement("div");
  next.append(...children);
  if (next.innerHTML !== target.innerHTML) target.replaceChildren(...next.childNodes);
}
