"""Properties of digit preparation, its limits, and what it refuses."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from shadowboard.digit_image import from_array, from_picture
from shadowboard.errors import PictureInvalid
from tests.shadowboard.pictures import DIGITS, SEVEN, drawing, encode, enlarge, grey

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
