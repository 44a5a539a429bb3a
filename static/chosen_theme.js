// A classic script in the head: the stored theme holds before the first paint. theme.js does the rest.
try {
  const chosen = localStorage.getItem("shadowboard-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; then the system's theme it is.
}
