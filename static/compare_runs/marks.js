// How ticked runs are told apart: a letter, and a shape on their curves. Colours tell raw from averaged.

const MARKS = [
  { letter: "A", symbol: "circle", shape: "●" },
  { letter: "B", symbol: "square", shape: "■" },
  { letter: "C", symbol: "triangle-up", shape: "▲" },
  { letter: "D", symbol: "diamond", shape: "◆" },
  { letter: "E", symbol: "triangle-down", shape: "▼" },
  { letter: "F", symbol: "star", shape: "★" },
];

/** All letters that there are. */
export const LETTERS = MARKS.map(({ letter }) => letter);

/** The mark of a run among the ticked ones; undefined where it is none of them. */
export const markOf = (ticked, id) => MARKS[ticked.indexOf(id)];
