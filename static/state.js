// The page's state: one immutable object, and renderers that are called when it has changed.

/** A state with `get`, `set(patch)` and `onChange(render)`; changes within one frame are rendered once. */
export function createState(initial) {
  let state = initial;
  let scheduled = false;
  const renderers = [];

  function renderAll() {
    scheduled = false;
    for (const render of renderers) render(state);
  }

  return {
    get: () => state,
    set(patch) {
      state = { ...state, ...patch };
      if (!scheduled) {
        scheduled = true;
        requestAnimationFrame(renderAll);
      }
    },
    onChange: (render) => renderers.push(render),
  };
}
