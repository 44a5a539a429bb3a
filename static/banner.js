// The quiet line at the foot of the window: the connection, and what could not be done.

import { byId, setText } from "./dom.js";
import { time } from "./format.js";

const SHOWN_FOR = 4_000; // ms

/** Returns the renderer. */
export function setUpBanner(state) {
  const banner = byId("banner");
  let connection = "live";
  let lostAt = 0;
  let hide;

  function show(text, kind, passing) {
    clearTimeout(hide);
    setText(banner, text);
    banner.dataset.kind = kind;
    banner.hidden = false;
    if (passing) hide = setTimeout(() => (banner.hidden = true), SHOWN_FOR);
  }

  return (now) => {
    if (now.notice) {
      show(now.notice, "problem", true);
      state.set({ notice: null });
    }
    // Before anything is seen, the page itself says what it waits for.
    if (now.connection === connection || now.runs === null) return;
    const before = connection;
    connection = now.connection;
    if (connection === "lost") {
      lostAt = Date.now() / 1000;
      show(`Connection lost. What you see is as of ${time(lostAt)}; reconnecting…`, "lost", false);
    } else if (before === "lost") {
      show("Connected again.", "live", true);
    }
  };
}
