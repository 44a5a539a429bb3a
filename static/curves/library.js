// Plotly, which is large: it is loaded when there is something to draw, and runs after that is read.

let loading = null;

/** The library, loaded once for all charts. Rejects where it cannot be. */
export function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.querySelector("link[data-plotly]").href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

export const NO_LIBRARY = "The chart library could not be loaded; reload the page.";
