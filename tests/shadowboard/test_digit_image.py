"""What a person may draw or send."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shadowboard.digit_image import from_picture
from shadowboard.errors import PictureInvalid
from tests.shadowboard.pictures import DIGITS, LABELS, SEVEN, drawing, encode, grey, reader


def sixteen_bit() -> bytes:
    shades = np.asarray(drawing()).astype(np.uint16)
    return encode(Image.fromarray(shades * 100 + 1000))


def palette_with_a_transparent_colour() -> bytes:
    image = drawing("L", 0, 1).convert("P")
    image.putpalette([255, 0, 255, 0, 0, 0])
    return encode(image, transparency=0)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(encode(drawing("L", 0, 255)), id="white on black"),
        pytest.param(encode(drawing("L", 60, 180)), id="light on dark grey"),
        pytest.param(encode(drawing("L", 200, 90)), id="dark on light grey"),
        pytest.param(encode(drawing("1", 1, 0)), id="one bit"),
        pytest.param(encode(drawing("1", 0, 1)), id="one bit inverted"),
        pytest.param(encode(drawing("LA", (0, 0), (0, 255))), id="grey with alpha, black"),
        pytest.param(encode(drawing("LA", (0, 0), (255, 255))), id="grey with alpha, white"),
        pytest.param(encode(drawing("LA", (255, 0), (0, 255))), id="grey with alpha, white below"),
        pytest.param(encode(drawing("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))), id="canvas, black"),
        pytest.param(encode(drawing("RGBA", (0, 0, 0, 0), (255, 255, 255, 255))), id="canvas, white"),
        pytest.param(encode(drawing("RGBA", (9, 99, 9, 0), (200, 30, 30, 128))), id="canvas, half seen"),
        pytest.param(encode(drawing("RGBA", (255, 255, 255, 255), (0, 0, 0, 0))), id="stencil"),
        pytest.param(encode(drawing("RGB", "yellow", "blue")), id="colours"),
        pytest.param(encode(drawing("RGB", (90, 150, 90), (200, 90, 90))), id="colours of one grey"),
        pytest.param(encode(drawing("RGB", "white", "navy").quantize(4)), id="palette"),
        pytest.param(palette_with_a_transparent_colour(), id="palette with a transparent colour"),
        pytest.param(sixteen_bit(), id="sixteen bit"),
        pytest.param(encode(drawing(), "JPEG", quality=90), id="JPEG"),
        pytest.param(encode(drawing("CMYK", (0, 0, 0, 0), (0, 0, 0, 255)), "JPEG"), id="CMYK JPEG"),
        pytest.param(encode(drawing("RGB", "white", "black"), "WEBP", quality=80), id="WebP"),
        pytest.param(
            encode(drawing("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), "WEBP", lossless=True), id="WebP, alpha"
        ),
        pytest.param(
            encode(drawing().resize((1400, 1400), Image.Resampling.NEAREST)), id="five times larger"
        ),
    ],
)
def test_the_same_drawing_in_any_colours_and_file(picture: bytes) -> None:
    assert np.abs(from_picture(picture) - SEVEN).mean() < 0.01


def test_the_seven_is_white_upright_and_fitted() -> None:
    rows, columns = np.nonzero(SEVEN > 0.01)
    assert SEVEN.dtype == np.float32
    assert SEVEN.max() == 1
    assert rows.max() - rows.min() == 19
    assert np.ptp(columns) < 19
    assert SEVEN[rows.min() + 1].sum() > 2 * SEVEN[rows.max() - 1].sum()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_camera_is_undone(orientation: int) -> None:
    undo: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda a: np.rot90(a, 1),  # EXIF: turn clockwise to view, so it was stored turned the other way
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, -1),
    }
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](np.asarray(drawing()))))
    exif = Image.Exif()
    exif[0x0112] = orientation
    prepared = from_picture(encode(stored, "JPEG", quality=95, exif=exif))
    assert np.abs(prepared - SEVEN).mean() < 0.005


# Pillow warns of such metadata, and goes on where a warning is no error.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\0\x09", b"Exif\0\0II*\0\xff\xff\xff\xff"]
)
def test_damaged_metadata_do_no_harm(exif: bytes) -> None:
    assert np.abs(from_picture(encode(drawing(), "JPEG", quality=95, exif=exif)) - SEVEN).mean() < 0.005


@pytest.mark.parametrize("pen", [1, 2, 4, 8])
def test_a_thin_pen_draws_strokes_as_wide_as_mnists(pen: int) -> None:
    prepared = from_picture(encode(drawing(pen=pen)))
    masses = DIGITS[:1000][LABELS[:1000] == 7].sum(axis=(1, 2))
    assert np.percentile(masses, 2) < prepared.sum() < np.percentile(masses, 98)


@pytest.mark.parametrize("radius", [0, 1, 5, 20, 60])
def test_a_dot_stays_a_dot(radius: int) -> None:
    image = Image.new("L", (280, 280), 255)
    image.putpixel((70, 90), 0)
    ImageDraw.Draw(image).ellipse([70 - radius, 90 - radius, 70 + radius, 90 + radius], fill=0)
    rows, columns = np.nonzero(from_picture(encode(image)))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 15, 12, 15)


def test_a_digit_in_5_by_7_pixels_is_enlarged() -> None:
    three = ["01110", "10001", "00001", "00110", "00001", "10001", "01110"]
    shades = np.pad(np.array([[float(c) for c in row] for row in three]), 1)
    prepared = from_picture(encode(grey(shades)))
    rows, columns = np.nonzero(prepared > 0.05)
    assert np.ptp(rows) >= 18
    assert np.ptp(columns) == 13
    assert reader()(prepared[None])[0] == 3


@pytest.mark.parametrize("upright", [True, False])
def test_a_picture_one_pixel_wide(upright: bool) -> None:
    shades = np.zeros((1, 60))
    shades[0, 10:34] = 1
    prepared = from_picture(encode(grey(shades.T if upright else shades)))
    lines = prepared if upright else prepared.T
    assert np.count_nonzero(lines.max(axis=1) > 0.5) == 20
    assert np.count_nonzero(lines.max(axis=0) > 0.5) <= 3


def test_specks_darker_than_the_ink_do_not_hide_it() -> None:
    shades = np.array(drawing("L", 255, 150))
    shades[10:270:20, 30] = shades[10:270:20, 250] = 0
    assert np.abs(from_picture(encode(Image.fromarray(shades))) - SEVEN).mean() < 0.01


def test_ink_far_from_its_centre_of_mass_is_not_cut_off() -> None:
    shades = np.zeros((200, 200))
    shades[20:60, 20:180] = 1  # heavy above
    shades[20:180, 98:102] = 1  # and a long thin tail
    prepared = from_picture(encode(grey(shades)))
    rows, columns = np.nonzero(prepared > 0.05)
    assert np.ptp(rows) == np.ptp(columns) == 19


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3), (28, 28), (280, 280)])
@pytest.mark.parametrize("shade", [0.0, 0.4, 1.0])
def test_an_empty_picture_is_said_to_be_empty(shape: tuple[int, int], shade: float) -> None:
    with pytest.raises(PictureInvalid, match=r"^The picture is empty: .*\.$"):
        from_picture(encode(grey(np.full(shape, shade))))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_noise_alone_is_empty(noise: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shades = 0.6 + 0.2 * np.linspace(-1, 1, 200) + rng.normal(0, noise, (200, 200))
    with pytest.raises(PictureInvalid, match="empty"):
        from_picture(encode(grey(shades)))


def test_a_transparent_picture_is_empty() -> None:
    with pytest.raises(PictureInvalid, match="empty"):
        from_picture(encode(drawing("RGBA", (255, 255, 255, 0), (0, 0, 0, 0))))
