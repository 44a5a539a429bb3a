"""A drawn, scanned or photographed digit → the 28×28 pixels that MNIST would have made of it.

MNIST's digits were scaled to fit 20×20 pixels with their aspect kept, and then placed with their centre of
mass at the middle of a 28×28 field, white ink on black (LeCun, Cortes & Burges, "The MNIST database of
handwritten digits"). Measured on its 60,000 training images: the longer side is 20 pixels, the centre of mass
lies within half a pixel of pixel 14 (counted from 0) both ways, and the brightest pixel is 254 or 255.
"""

import io
import math
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from shadowboard.errors import PictureInvalid

DigitImage = NDArray[np.float32]
"""float32 [28, 28] in [0, 1]: 0 background, 1 ink."""

SIDE = 28
INK_SIDE = 20
CENTRE = 14  # the pixel, counted from 0, on which MNIST puts the centre of mass
DOT_SIDE = 4  # about the width of a stroke in MNIST

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 40_000_000
MAX_BYTES = 4 * MAX_PIXELS  # as many pixels of four bytes, not compressed
MAX_SIDE = 20_000

_WORKING_SIDE = 1024  # pixels; a larger picture is averaged down before it is looked at
_ROUNDING = 0.5 / 255  # half a step of an 8-bit picture
_FAINTEST = 8 / 255  # contrast; less than this a person does not see
_THINNEST = 0.1  # width of a stroke, as a share of the longer side
_DUST = 0.02  # of the largest part; a part smaller than this is none of the digit
_ORIENTATION = 0x0112  # the EXIF tag, and what its values ask for
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_Floats = NDArray[np.float32]
_Box = tuple[slice, slice]


def from_picture(data: bytes) -> DigitImage:
    """Reads a picture as MNIST would have shown it: float32 [28, 28] in [0, 1], white ink on black.

    data: a PNG, JPEG or WebP file of at most 40 million pixels, no side above 20,000. What is ink is told
    from the picture's border: whatever differs from it, in colour or in transparency, darker or lighter.
    A solid dot stays a dot of 4×4 pixels, for blown up to 20×20 it would look like no digit at all.

    Raises PictureInvalid where the bytes are no such picture, or where nothing stands out on it.
    """
    return _fit(_thicken(_find_ink(_decode(data))))


def from_array(image: object) -> DigitImage:
    """Takes 28 rows of 28 numbers in [0, 1], white ink on black, as they are: float32 [28, 28].

    Raises PictureInvalid, naming what was found, where the shape, the type or a value is another.
    """
    if _holds_text(image):
        raise PictureInvalid("The image holds something that is not a number; expected numbers from 0 to 1.")
    try:
        array = np.asarray(image)
    except ValueError:  # rows of different lengths
        raise PictureInvalid("The image is ragged; expected 28 rows of 28 numbers.") from None
    if array.shape != (SIDE, SIDE):
        found = "×".join(map(str, array.shape)) or "a single value"
        raise PictureInvalid(f"The image has the shape {found}; expected 28×28 numbers.")
    if array.dtype.kind not in "iuf":
        raise PictureInvalid("The image holds something that is not a number; expected numbers from 0 to 1.")
    good = (array >= 0) & (array <= 1)  # NaN is neither
    if not good.all():
        row, column = np.unravel_index(np.argmin(good), good.shape)
        raise PictureInvalid(
            f"The image holds {array[row, column]} in row {row}, column {column}; "
            "expected numbers from 0 to 1."
        )
    return array.astype(np.float32)


def _holds_text(image: object) -> bool:
    """Whether nested lists hold text: in an array each value would take as much room as the longest text."""
    values = list(image) if isinstance(image, list) else []
    while values:
        kinds = set(map(type, values))
        if str in kinds:
            return True
        lists = [value for value in values if isinstance(value, list)] if list in kinds else []
        values = list(chain.from_iterable(lists))
    return False


def _decode(data: bytes) -> _Floats:
    """Upright pixels, float32 [C, H, W] in [0, 1]: grey, red-green-blue, or the two with alpha.

    Colours are multiplied by their alpha.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureInvalid(f"The picture has too many pixels; expected at most {MAX_PIXELS:,}.") from None
    except Exception:  # the decoders raise nearly everything on bytes made to break them
        raise PictureInvalid("The picture cannot be recognised; expected a PNG, JPEG or WebP file.") from None
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PictureInvalid(
            f"The picture has {width:,}×{height:,} pixels; expected at most {MAX_PIXELS:,}, "
            f"and no side above {MAX_SIDE:,}."
        )
    try:
        image.draft(None, (_WORKING_SIDE, _WORKING_SIDE))  # JPEG decodes to a smaller size faster
        return _as_channels(image)
    except Exception:
        raise PictureInvalid(
            f"The picture starts as {image.format} but is damaged or cut short; expected a complete file."
        ) from None


def _as_channels(image: Image.Image) -> _Floats:
    """Decodes, averages down to the working size and turns upright; as _decode says."""
    scale = 255.0
    picture: Image.Image
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversions would clip to 8
        picture = Image.fromarray(np.asarray(image).astype(np.float32))
        scale = 65535.0
    elif image.has_transparency_data:
        picture = image.convert("RGBA").convert("RGBa")  # a pixel counts as far as it is seen
    else:
        picture = image.convert("L" if image.mode in ("1", "L") else "RGB")
    factor = math.ceil(max(picture.size) / _WORKING_SIDE)
    if factor > 1:
        picture = picture.reduce(factor)
    turn = _TRANSPOSES.get(_orientation(image))
    if turn is not None:
        picture = picture.transpose(turn)
    bands = picture.split()
    planes = np.empty((len(bands), picture.height, picture.width), np.float32)
    for plane, band in zip(planes, bands, strict=True):
        np.divide(np.asarray(band), np.float32(scale), out=plane)
    return planes


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata leave the picture readable
        return 1
    return value if isinstance(value, int) else 1


def _find_ink(pixels: _Floats) -> _Floats:
    """The part of the picture that holds the ink: float32 [h, w] in [0, 1], 0 background, 1 full ink."""
    background, noise = _background(pixels)
    contrast = np.zeros(pixels.shape[1:], np.float32)
    for plane, level in zip(pixels, background, strict=True):
        np.maximum(contrast, np.abs(plane - level), out=contrast)
    if noise > 0:
        # Glare and shade go both ways, ink one way: that of the strongest differences.
        difference = pixels - background
        strongest = difference[:, contrast >= 0.5 * contrast.max()].mean(axis=1)
        contrast[np.einsum("c,chw->hw", strongest, difference) <= 0] = 0
    visible = contrast > max(noise, _ROUNDING)
    strengths = contrast[visible]
    if not strengths.size or strengths.max() < max(_FAINTEST, 1.5 * noise):
        raise PictureInvalid("The picture is empty: nothing on it stands out from its background.")
    full, floor = _full_strength(strengths), noise
    contrast = contrast[_bounds(visible)]
    if max(contrast.shape) != INK_SIDE:  # ink of that size has been fitted already, to its faintest pixel
        kept = _without_dust(contrast > max(noise, 0.3 * full))
        full = _full_strength(contrast[kept])
        floor = max(noise, 0.1 * full)  # glow, and the ripples of compression
        contrast = contrast[_bounds(kept)]
    ink: _Floats = np.clip((contrast - np.float32(floor)) / np.float32(full - floor), 0, 1)
    return ink


def _full_strength(strengths: _Floats) -> float:
    """The contrast of a stroke's middle, from those of all its pixels."""
    return float(np.percentile(strengths[strengths >= 0.5 * strengths.max()], 90))


def _background(pixels: _Floats) -> tuple[_Floats, float]:
    """What the picture would be without ink, [C, 1, 1] or [C, H, W], and the contrast that noise reaches.

    Both come from the border: its median where that is one value, as on a canvas, else the quadratic surface
    that runs through it, which follows a vignette or light from one side.
    """
    _, height, width = pixels.shape
    thick = max(1, min(height, width) // 50)
    outer = np.ones((height, width), bool)
    outer[thick : height - thick, thick : width - thick] = False
    rows, columns = np.nonzero(outer)
    step = max(1, len(rows) // 1000)
    rows, columns = rows[::step], columns[::step]
    border = pixels[:, rows, columns]
    level: _Floats = np.median(border, axis=1, keepdims=True)
    distance = np.abs(border - level).max(axis=0)
    if np.mean(distance < _ROUNDING) > 0.5 or len(rows) < 50:
        return level[..., None], 0.0

    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    v, u = y[rows], x[columns]
    terms = np.stack([np.ones_like(u), u, u * u, v, v * v, u * v], axis=1)
    kept = distance <= 3 * np.median(distance)
    for _ in range(3):  # ink that touches the border must not bend the surface
        surface = border[:, kept] @ np.linalg.pinv(terms[kept]).T
        distance = np.abs(border - surface @ terms.T).max(axis=0)
        kept = distance <= 3 * np.median(distance)
    along_x = surface[:, :3] @ np.stack([np.ones_like(x), x, x * x])
    along_y = surface[:, 3:5] @ np.stack([y, y * y])
    background = along_x[:, None, :] + along_y[:, :, None] + surface[:, 5, None, None] * (y[:, None] * x)
    return background, 3 * float(np.percentile(distance, 75))


def _without_dust(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask less the connected parts that are tiny beside the largest one."""
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept: NDArray[np.bool_] = (sizes >= _DUST * sizes.max())[parts] & mask
    return kept


def _bounds(mask: NDArray[np.bool_]) -> _Box:
    """The smallest box around all that is set, where something is."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _thicken(ink: _Floats) -> _Floats:
    """Cropped ink with its strokes at least a tenth as wide as its longer side, as MNIST's pens drew them."""
    longer = max(ink.shape)
    if longer <= INK_SIDE:
        return ink
    mask = np.pad(ink > 0.5, 1)
    outline = np.count_nonzero(np.diff(mask, axis=0)) + np.count_nonzero(np.diff(mask, axis=1))
    # A stroke has two sides; counted along the pixels' edges they are 4/π of their length on average.
    stroke = 2 * np.count_nonzero(mask) / (outline * math.pi / 4)
    missing = round((_THINNEST * longer - stroke) / 2)  # on each side of the stroke
    if missing < 1:
        return ink
    thick: _Floats = ndimage.maximum_filter(np.pad(ink, missing), 2 * missing + 1)
    return thick


def _fit(ink: _Floats) -> DigitImage:
    """Scales cropped ink [h, w] to fit 20×20 and places its centre of mass: float32 [28, 28]."""
    side = DOT_SIDE if _is_dot(ink) else INK_SIDE
    height, width = (max(1, round(length * side / max(ink.shape))) for length in ink.shape)
    digit = _resample(_resample(ink, height).T, width).T
    digit /= digit.max()  # a thin line fades when it is averaged down; in MNIST none does
    mass = digit.sum()
    middle_y = float(digit.sum(axis=1) @ np.arange(height)) / mass
    middle_x = float(digit.sum(axis=0) @ np.arange(width)) / mass
    top = min(max(math.ceil(CENTRE - 0.5 - middle_y), 0), SIDE - height)
    left = min(max(math.ceil(CENTRE - 0.5 - middle_x), 0), SIDE - width)
    field = np.zeros((SIDE, SIDE), np.float32)
    field[top : top + height, left : left + width] = digit
    return np.clip(field, 0, 1)


def _is_dot(ink: _Floats) -> bool:
    """Whether the ink is a solid blob, about as wide as high; none of MNIST's 70,000 digits is."""
    height, width = ink.shape
    if max(height, width) > 1.5 * min(height, width):
        return False
    y = (2 * np.arange(height) + 1) / height - 1
    x = (2 * np.arange(width) + 1) / width - 1
    within = y[:, None] ** 2 + x**2 <= 0.8**2
    return bool((ink[within] > 0.5).all())


def _resample(rows: NDArray[np.floating], target: int) -> NDArray[np.float64]:
    """The picture with `target` rows: exact averages over areas to shrink, straight lines to enlarge."""
    count = len(rows)
    if target > count:
        places = np.clip((np.arange(target) + 0.5) * count / target - 0.5, 0, count - 1)
        below = places.astype(int)
        share = (places - below)[:, None]
        above = np.minimum(below + 1, count - 1)
        between: NDArray[np.float64] = (1 - share) * rows[below] + share * rows[above]
        return between
    # Differences of running sums, for a matrix product would wait for the cores that training holds.
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    edges = np.linspace(0, count, target + 1)
    whole = np.minimum(edges.astype(int), count - 1)
    at_edges = sums[whole] + (edges - whole)[:, None] * rows[whole]
    averages: NDArray[np.float64] = np.diff(at_edges, axis=0) * (target / count)
    return averages
