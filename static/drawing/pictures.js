// Pictures from outside: chosen, dropped on the panel, or pasted anywhere on the page.

const LONGEST = 640; // pixels; a digit is read from 28×28 of them
const TEXT_FIELDS = "input:not([type=range], [type=radio], [type=checkbox], [type=file]), textarea, [contenteditable]";

/** The picture in a file, no larger than is of use. Throws an Error that says what is wrong with the file. */
export async function pictureIn(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    const name = file.name ? `“${file.name}”` : "This";
    throw new Error(`${name} is no picture that can be opened here; a PNG, JPEG or WebP file can.`);
  }
  const scale = LONGEST / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const side = (length) => Math.max(1, Math.round(length * scale));
  return createImageBitmap(picture, {
    resizeWidth: side(picture.width), resizeHeight: side(picture.height), resizeQuality: "high",
  });
}

/** Wire chooser (a file input), drop area and clipboard. `onFile(file, how)` gets each file. */
export function setUpPictures(chooser, area, onFile) {
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    chooser.value = ""; // so that the same file can be chosen again
    if (file) onFile(file, "opened");
  });

  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  area.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    area.classList.add("receiving");
  });
  area.addEventListener("dragleave", (event) => {
    if (!area.contains(event.relatedTarget)) area.classList.remove("receiving");
  });
  area.addEventListener("drop", (event) => {
    area.classList.remove("receiving");
    if (!carriesFile(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) onFile(event.dataTransfer.files[0], "dropped");
  });

  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file || event.target.closest?.(TEXT_FIELDS) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    onFile(file, "pasted");
  });
}
