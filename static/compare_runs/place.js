// Where curves lie in a figure, and what of them is pointed at. `frame`: { left, top, width, height } in pixels,
// `last` step, `range` of the accuracies in percent.

const NEAR = 80; // px: a curve further from the pointer than this is not meant

/** Where a point of a curve lies, in pixels from the frame's left and top. */
export const place = ({ range: [low, high], last, width, height }, { step, accuracy }) =>
  ({ x: (step / last) * width, y: (1 - (100 * accuracy - low) / (high - low)) * height });

/**
 * What is pointed at, x and y pixels from the figure's left and top: { step, run }, the run's id null where no curve is
 * near; null outside the frame.
 */
export function pointedAt(curves, frame, { x, y }) {
  const [across, down] = [x - frame.left, y - frame.top];
  if (across < 0 || across > frame.width || down < 0 || down > frame.height) return null;
  const near = curves
    .map(({ run, points }) => ({ run: run.id, height: heightAt(points.map((e) => place(frame, e)), across) }))
    .map(({ run, height }) => ({ run, far: Math.abs(height - down) }))
    .filter(({ far }) => far <= NEAR)
    .sort((a, b) => a.far - b.far);
  return { step: (across / frame.width) * frame.last, run: near[0]?.run ?? null };
}

/** How far down a line through `places` is at `x`; infinite where it does not reach. */
function heightAt(places, x) {
  const i = places.findIndex((at) => at.x >= x);
  if (i < 0 || (i === 0 && places[0].x > x)) return Infinity;
  if (i === 0) return places[0].y;
  const [a, b] = [places[i - 1], places[i]];
  return a.y + ((x - a.x) / (b.x - a.x)) * (b.y - a.y);
}

/** `wanted` heights, ascending, moved apart to `least` between two, and none beyond `most` where there is room. */
export function spread(wanted, least, most) {
  const found = [];
  for (const height of wanted) found.push(Math.max(height, (found.at(-1) ?? -Infinity) + least));
  for (let i = found.length - 1, limit = most; i >= 0; i -= 1, limit = found[i + 1] - least) {
    found[i] = Math.min(found[i], limit);
  }
  return found;
}
