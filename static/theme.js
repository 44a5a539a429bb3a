// The theme: the system's, or light or dark as chosen here and kept in this browser.

const KEY = "shadowboard-theme";

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

function store(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Forbidden storage: the choice holds for this page only.
  }
}

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Wire the switch; `onChange` is called whenever the colours change, for whichever reason. */
export function setUpTheme(onChange) {
  const radios = document.querySelectorAll("input[name=theme]");
  for (const radio of radios) {
    radio.checked = radio.value === stored();
    radio.addEventListener("change", () => {
      store(radio.value);
      apply(radio.value);
      onChange();
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}

/** The computed value of the colour `--name`, which a chart can use. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
