"""Pictures for the tests of digit preparation."""

import functools
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shadowboard.dataset import as_float, load_dataset
from shadowboard.digit_image import from_picture

Floats = NDArray[np.float32]
DATA = load_dataset()
DIGITS = as_float(DATA.test.images).reshape(-1, 28, 28)
LABELS = DATA.test.labels


def encode(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def grey(shades: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.clip(np.round(shades * 255), 0, 255).astype(np.uint8))


def enlarge(digit: Floats, side: int) -> Floats:
    """The digit's ink at `side` × `side`, with the soft edges of a drawing program."""
    image = grey(digit).resize((side, side), Image.Resampling.BICUBIC)
    return as_float(np.asarray(image))


def on_a_page(digit: Floats, rng: np.random.Generator, page: int = 300) -> Floats:
    """The digit's ink at a random size and place on a page of page × page pixels."""
    ink = enlarge(digit, int(rng.integers(page // 3, page - 20)))
    top, left = rng.integers(0, page - len(ink) + 1, 2)
    field = np.zeros((page, page), np.float32)
    field[top : top + len(ink), left : left + len(ink)] = ink
    return field


def centre_of_mass(images: Floats) -> Floats:
    """[N, 28, 28] → [N, 2], in pixels counted from 0."""
    masses = images.sum(axis=(1, 2))
    along = np.arange(28)
    down = images.sum(axis=2) @ along / masses
    across = images.sum(axis=1) @ along / masses
    return np.stack([down, across], axis=1)


def drawing(mode: str = "L", paper: Any = 255, ink: Any = 0, pen: int = 20) -> Image.Image:
    """A seven on a canvas of 280 × 280."""
    image = Image.new(mode, (280, 280), paper)
    ImageDraw.Draw(image).line([(80, 70), (180, 70), (110, 210)], fill=ink, width=pen)
    return image


@functools.cache
def reader() -> Callable[[Floats], NDArray[np.intp]]:
    """An independent classifier: ridge regression on random features of the raw training images."""
    rng = np.random.default_rng(0)
    training = as_float(DATA.train.images[:12_000])
    mix = rng.normal(0, 0.1, (784, 800)).astype(np.float32)
    shift = rng.normal(0, 0.5, 800).astype(np.float32)

    def features(images: Floats) -> Floats:
        hidden: Floats = np.maximum(images.reshape(len(images), -1) @ mix + shift, 0)
        return hidden

    x = features(training)
    y = np.eye(10, dtype=np.float32)[DATA.train.labels[:12_000]]
    weights = np.linalg.solve(x.T @ x + 30 * np.eye(800, dtype=np.float32), x.T @ y)
    return lambda images: np.argmax(features(images) @ weights, axis=1)


SEVEN = from_picture(encode(drawing()))
