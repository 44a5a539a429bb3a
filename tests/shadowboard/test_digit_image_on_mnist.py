"""Digit preparation against MNIST itself: what was made of its images reads like the originals."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from shadowboard import digit_image
from shadowboard.dataset import as_float
from shadowboard.digit_image import from_picture
from tests.shadowboard.pictures import (
    DATA,
    DIGITS,
    LABELS,
    Floats,
    centre_of_mass,
    encode,
    grey,
    on_a_page,
    reader,
)


def test_mnist_has_its_centre_of_mass_at_pixel_14() -> None:
    centres = centre_of_mass(as_float(DATA.train.images[:20_000]).reshape(-1, 28, 28))
    assert np.abs(centres.mean(axis=0) - digit_image.CENTRE).max() < 0.02
    assert np.percentile(np.abs(centres - digit_image.CENTRE), 99.9) <= 0.5


def test_an_image_of_mnist_comes_back_as_it_is() -> None:
    worst = 0.0
    for digit in DIGITS[:500]:
        worst = max(worst, float(np.abs(from_picture(encode(grey(digit))) - digit).mean()))
    assert worst < 0.012


def accuracy(images: Floats) -> float:
    return float(np.mean(reader()(images) == LABELS[: len(images)]))


Maker = Callable[[Floats, np.random.Generator], bytes]


def black_on_white(ink: Floats, _: np.random.Generator) -> bytes:
    return encode(grey(1 - ink))


def white_on_black(ink: Floats, _: np.random.Generator) -> bytes:
    return encode(grey(ink))


def chalk_on_slate(ink: Floats, _: np.random.Generator) -> bytes:
    return encode(grey(0.25 + 0.5 * ink))


def black_on_nothing(ink: Floats, _: np.random.Generator) -> bytes:
    return encode(Image.merge("LA", [Image.new("L", (300, 300), 0), grey(ink)]))


def white_on_nothing(ink: Floats, _: np.random.Generator) -> bytes:
    return encode(Image.merge("LA", [Image.new("L", (300, 300), 255), grey(ink)]))


def red_on_green(ink: Floats, _: np.random.Generator) -> bytes:
    """Two colours that are nearly the same grey."""
    red, green = np.array([200, 60, 60]) / 255, np.array([70, 130, 70]) / 255
    return encode(grey(green + ink[..., None] * (red - green)))


def photograph(ink: Floats, rng: np.random.Generator) -> bytes:
    """Yellowish paper with a grain, light from one side, dark corners, noise, JPEG."""
    y, x = np.linspace(-1, 1, 300)[:, None], np.linspace(-1, 1, 300)
    grain = Image.fromarray(rng.normal(0, 0.02, (75, 75)).astype(np.float32))
    paper = 0.85 + np.asarray(grain.resize((300, 300), Image.Resampling.BICUBIC))
    light = (1 - 0.1 * (x * x + y * y)) * (1 + 0.15 * x)
    shades = paper * light * (1 - 0.7 * ink) + rng.normal(0, 0.012, ink.shape)
    return encode(grey(shades[..., None] * [1.0, 0.97, 0.85]), "JPEG", quality=80)


def small_jpeg(ink: Floats, _: np.random.Generator) -> bytes:
    return encode(grey(1 - ink).reduce(5), "JPEG", quality=75)


def dusty(ink: Floats, rng: np.random.Generator) -> bytes:
    shades = 1 - ink
    shades[rng.integers(0, 300, 40), rng.integers(0, 300, 40)] = 0
    return encode(grey(shades), "WEBP", lossless=True)


MAKERS = [
    black_on_white,
    white_on_black,
    chalk_on_slate,
    black_on_nothing,
    white_on_nothing,
    red_on_green,
    photograph,
    small_jpeg,
    dusty,
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_picture_is_read_like_the_original(make: Maker) -> None:
    rng = np.random.default_rng(1)
    count = 300
    pictures = [make(on_a_page(digit, rng), rng) for digit in DIGITS[:count]]
    prepared = np.stack([from_picture(picture) for picture in pictures])
    assert accuracy(prepared) >= accuracy(DIGITS[:count]) - 0.02
    assert np.abs(centre_of_mass(prepared) - digit_image.CENTRE).max() <= 0.5001
    assert np.abs(prepared - DIGITS[:count]).mean() < 0.05


def test_without_the_preparation_reading_collapses() -> None:
    rng = np.random.default_rng(1)
    pages = [grey(on_a_page(digit, rng)).resize((28, 28)) for digit in DIGITS[:400]]
    merely_shrunk = as_float(np.stack([np.asarray(page) for page in pages]))
    assert accuracy(DIGITS[:400]) > 0.9
    assert accuracy(merely_shrunk) < 0.5
