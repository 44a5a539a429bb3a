"""Pictures for the requests that Schemathesis generates: it imports this file."""

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image, ImageDraw

SIDES = st.integers(8, 300)
MODES = st.sampled_from(["L", "RGB", "1"])
ENDS = st.tuples(*[st.floats(0.1, 0.9)] * 4)


def drawing(kind: str, mode: str, width: int, height: int, ends: tuple[float, ...], inverted: bool) -> bytes:
    """One thick line, its ends given as shares of width and height; light on dark where it is inverted."""
    paper, ink = ("black", "white") if inverted else ("white", "black")
    image = Image.new(mode, (width, height), paper)
    line = [share * size for share, size in zip(ends, (width, height) * 2, strict=True)]
    ImageDraw.Draw(image).line(line, ink, max(2, min(width, height) // 10))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


for kind in ("png", "jpeg", "webp"):
    schemathesis.openapi.media_type(
        f"image/{kind}", st.builds(drawing, st.just(kind), MODES, SIDES, SIDES, ENDS, st.booleans())
    )
