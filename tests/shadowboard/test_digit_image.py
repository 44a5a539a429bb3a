"""Pictures of digits against MNIST itself: what was made from its images must come back as they are."""

import functools
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shadowboard import digit_image
from shadowboard.dataset import as_float, load_dataset
from shadowboard.digit_image import from_array, from_picture
from shadowboard.errors import PictureInvalid

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


# --- against MNIST -------------------------------------------------------------------------------------


def test_mnist_has_its_centre_of_mass_at_pixel_14() -> None:
    centres = centre_of_mass(as_float(DATA.train.images[:20_000]).reshape(-1, 28, 28))
    assert np.abs(centres.mean(axis=0) - digit_image.CENTRE).max() < 0.02
    assert np.percentile(np.abs(centres - digit_image.CENTRE), 99.9) <= 0.5


def test_an_image_of_mnist_comes_back_as_it_is() -> None:
    worst = 0.0
    for digit in DIGITS[:500]:
        worst = max(worst, float(np.abs(from_picture(encode(grey(digit))) - digit).mean()))
    assert worst < 0.012


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


# --- what a person may draw or send --------------------------------------------------------------------


def drawing(mode: str = "L", paper: Any = 255, ink: Any = 0, pen: int = 20) -> Image.Image:
    """A seven on a canvas of 280 × 280."""
    image = Image.new(mode, (280, 280), paper)
    ImageDraw.Draw(image).line([(80, 70), (180, 70), (110, 210)], fill=ink, width=pen)
    return image


SEVEN = from_picture(encode(drawing()))


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


# --- properties ----------------------------------------------------------------------------------------

indices = st.integers(0, 999)


@settings(deadline=None, max_examples=60)
@given(indices, st.integers(60, 250), st.tuples(*[st.integers(2, 90)] * 4), st.booleans(), st.booleans())
def test_polarity_margins_and_alpha_change_nothing(
    index: int, side: int, margins: tuple[int, int, int, int], invert: bool, alpha: bool
) -> None:
    ink = enlarge(DIGITS[index], side)
    expected = from_picture(encode(grey(ink)))
    top, bottom, left, right = margins
    moved = np.pad(ink, ((top, bottom), (left, right)))
    image = grey(1 - moved if invert else moved)
    if alpha:
        image.putalpha(255)
    assert np.abs(from_picture(encode(image)) - expected).max() < 0.02


def assert_is_a_digit_or_a_sentence(picture: bytes) -> None:
    try:
        prepared = from_picture(picture)
    except PictureInvalid as error:
        message = str(error)
    else:
        message = "The picture is read."
        assert prepared.shape == (28, 28)
        assert prepared.dtype == np.float32
        assert np.isfinite(prepared).all()
        assert prepared.min() == 0
        assert prepared.max() == 1
    assert message.startswith("The picture ")
    assert message.endswith(".")


def every_mode(shades: NDArray[np.uint8]) -> Iterator[bytes]:
    """Pixels [H, W, 4] as every kind of picture that they can be."""
    colours = Image.fromarray(shades)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield encode(colours.convert(mode))
    yield encode(Image.fromarray(shades[..., 0].astype(np.uint16) * 257 + shades[..., 1]))
    for mode in ("L", "RGB", "CMYK"):
        yield encode(colours.convert("RGB").convert(mode), "JPEG")
    yield encode(colours, "WEBP", lossless=True)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 24), st.integers(1, 24), st.sampled_from([2, 3, 40, 256]), st.integers(0, 2**32 - 1))
def test_any_small_picture_in_any_mode(height: int, width: int, levels: int, seed: int) -> None:
    shades = np.random.default_rng(seed).integers(0, levels, (height, width, 4)) * (255 // (levels - 1))
    for picture in every_mode(shades.astype(np.uint8)):
        assert_is_a_digit_or_a_sentence(picture)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBPVP8 "]),
    st.binary(max_size=300),
)
def test_any_bytes(start: bytes, rest: bytes) -> None:
    assert_is_a_digit_or_a_sentence(start + rest)


EXAMPLES = [
    encode(drawing().reduce(4)),
    encode(drawing("RGB", "white", "black").reduce(4).quantize(4), transparency=0),
    encode(
        drawing().reduce(4), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
    ),
    encode(drawing("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)).reduce(4), "WEBP"),
]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4),
    st.data(),
)
def test_any_damage(picture: bytes, flips: list[tuple[int, int]], data: st.DataObject) -> None:
    content = bytearray(picture)
    for place, change in flips:
        content[place % len(content)] ^= change
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    assert_is_a_digit_or_a_sentence(bytes(content))


# --- limits and refusals -------------------------------------------------------------------------------


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    start = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", start)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height", "found"),
    [
        (20_001, 1, "20,001×1 pixels"),
        (1, 20_001, "1×20,001 pixels"),
        (8_000, 5_001, "8,000×5,001 pixels"),
        (10_000, 10_000, "too many pixels"),  # Pillow's warning
        (20_000, 20_000, "too many pixels"),  # Pillow's error
        (2**31 - 1, 2**31 - 1, "too many pixels"),
    ],
)
def test_a_huge_picture_is_refused_before_it_is_decoded(width: int, height: int, found: str) -> None:
    with pytest.raises(PictureInvalid, match=r"expected at most 40,000,000.*\.$") as caught:
        from_picture(png_of(width, height))
    assert found in str(caught.value)


@pytest.mark.filterwarnings("default::PIL.Image.DecompressionBombWarning")
def test_a_huge_picture_is_refused_where_warnings_are_only_printed() -> None:
    with pytest.warns(Image.DecompressionBombWarning), pytest.raises(PictureInvalid, match="10,000×10,000"):
        from_picture(png_of(10_000, 10_000))


def test_a_picture_at_the_limit_is_read() -> None:
    image = Image.new("L", (8_000, 5_000), 255)
    image.paste(drawing().resize((2800, 2800)), (3000, 1000))
    assert np.abs(from_picture(encode(image, compress_level=1)) - SEVEN).mean() < 0.01


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg></svg>", b"%PDF-1.7", bytes(1000)])
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(PictureInvalid, match=r"cannot be recognised; expected a PNG, JPEG or WebP file\.$"):
        from_picture(content)


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(file_format: str) -> None:
    with pytest.raises(PictureInvalid, match="expected a PNG, JPEG or WebP file"):
        from_picture(encode(drawing(), file_format))


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_picture_cut_short(file_format: str) -> None:
    picture = encode(drawing(), file_format)
    with pytest.raises(PictureInvalid, match=f"starts as {file_format} but is damaged or cut short"):
        from_picture(picture[: len(picture) * 2 // 3])


# --- arrays --------------------------------------------------------------------------------------------


def test_an_array_is_taken_as_it_is() -> None:
    taken = from_array(DIGITS[0].tolist())
    assert taken.dtype == np.float32
    assert np.array_equal(taken, DIGITS[0])
    taken[0, 0] = 1  # a copy, also of an array
    assert from_array(DIGITS[0]) is not DIGITS[0]
    assert not from_array([[0] * 28] * 28).any()


def with_value(value: object) -> list[list[object]]:
    rows: list[list[object]] = [[0.0] * 28 for _ in range(28)]
    rows[3][5] = value
    return rows


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (with_value(float("nan")), "holds nan in row 3, column 5; expected numbers from 0 to 1"),
        (with_value(float("inf")), "holds inf in row 3, column 5"),
        (with_value(-0.5), "holds -0.5 in row 3, column 5"),
        (with_value(255), r"holds 255\.0 in row 3, column 5"),
        (with_value(1e300), r"holds 1e\+300 in row 3, column 5"),
        (with_value(None), "something that is not a number"),
        (with_value("1"), "something that is not a number"),
        (with_value(10**400), "something that is not a number"),
        ([[True] * 28] * 28, "something that is not a number"),
        ([[1j] * 28] * 28, "something that is not a number"),
        ([[0] * 28] * 27, "the shape 27×28; expected 28×28 numbers"),
        ([0] * 784, "the shape 784; expected 28×28 numbers"),
        ([[[0]] * 28] * 28, "the shape 28×28×1"),
        ([], "the shape 0; expected"),
        (None, "a single value"),
        ("picture", "a single value"),
        ({"image": 1}, "a single value"),
        ([[0] * 28] * 27 + [[0]], "is ragged; expected 28 rows of 28 numbers"),
        (with_value([1, 2]), "is ragged"),
    ],
)
def test_an_array_that_is_no_image(image: object, message: str) -> None:
    with pytest.raises(PictureInvalid, match=f"^The image .*{message}.*\\.$"):
        from_array(image)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(json_values | st.lists(st.lists(json_values, min_size=28, max_size=28), min_size=1, max_size=1))
def test_any_json_is_an_image_or_a_sentence(value: object) -> None:
    rows = value * 28 if isinstance(value, list) and len(value) == 1 else value
    try:
        taken = from_array(rows)
    except PictureInvalid as error:
        message = str(error)
    else:
        message = "The image is taken."
        assert taken.shape == (28, 28)
        assert ((taken >= 0) & (taken <= 1)).all()
    assert message.startswith("The image ")
    assert message.endswith(".")
