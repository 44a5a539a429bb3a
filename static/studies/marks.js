// How the variants of a study are told apart: a letter and a shape, and a colour that is neither raw's nor averaged's.

import { element } from "../dom.js";

/** The name of the colour of the variant with this letter, in studies.css. */
export const variantOf = (letter) => `variant-${letter.toLowerCase()}`;

/** A variant's letter and shape, in its colour. */
export const badge = ({ letter, shape }) => element("b", { class: `mark ${variantOf(letter)}`, text: `${letter} ${shape}` });
