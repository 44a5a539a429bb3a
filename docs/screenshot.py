"""The README's pictures, taken of a running dashboard with the system's Chromium.

shadowboard up
python docs/screenshot.py http://127.0.0.1:8000 [--step 9000]
"""

import argparse
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "device_scale_factor": 1.5}
DESKTOP_PART = {"x": 0, "y": 0, "width": 1440, "height": 1160}  # down to the end of both readings
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
GAP = 60  # pixels between the two phones
COLOURS = 256
SEVEN = [
    (0.26, 0.25),
    (0.4, 0.23),
    (0.56, 0.22),
    (0.72, 0.22),
    (0.66, 0.34),
    (0.58, 0.5),
    (0.51, 0.66),
    (0.46, 0.82),
]


def draw_a_seven(page: Page) -> None:
    """One stroke, as a pointer draws it, and what every checkpoint reads in it."""
    page.locator("#canvas").scroll_into_view_if_needed()
    box = page.locator("#canvas").bounding_box()
    if box is None:
        raise RuntimeError("the sheet is not on the page")
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()
    page.mouse.move(5, 5)
    page.wait_for_selector("#through-readout:not(:empty)")


@contextmanager
def dashboard(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """The page with all that it shows, and a drawing."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#chart .main-svg")
    page.wait_for_selector("#disagreements-gallery .card")
    draw_a_seven(page)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1_000)  # transitions, and pictures
    yield page
    context.close()


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def save(picture: Image.Image, name: str, gap: tuple[int, int, int, int] | None = None) -> None:
    """As a PNG of few colours, which a page as calm as this one has; transparent in the gap."""
    target = FOLDER / f"{name}.png"
    few = picture.quantize(COLOURS - 1, dither=Image.Dither.NONE)
    if gap:
        few.paste(COLOURS - 1, gap)
    few.save(target, optimize=True, **({"transparency": COLOURS - 1} if gap else {}))
    print(f"{target.name}: {target.stat().st_size / 1024:.0f} KiB")


def shoot_desktop(browser: Browser, address: str, scheme: str) -> None:
    with dashboard(browser, address, **DESKTOP, color_scheme=scheme) as page:
        save(opened(page.screenshot(full_page=True, clip=DESKTOP_PART)), f"dashboard-{scheme}")


def shoot_phone(browser: Browser, address: str) -> None:
    """Two places of the page side by side: the curves, and the drawing."""
    with dashboard(browser, address, **PHONE, color_scheme="light") as page:
        places = []
        for scroll in (
            "scrollTo(0, document.querySelector('.steps').offsetTop)",
            "document.querySelector('.labelling').scrollIntoView({ block: 'end' })",
        ):
            page.evaluate(scroll)
            page.wait_for_timeout(500)
            places.append(opened(page.screenshot()))
    left, right = places
    both = Image.new("RGB", (left.width + GAP + right.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width + GAP, 0))
    save(both, "phone", gap=(left.width, 0, left.width + GAP, left.height))


def main() -> None:
    """Desktop, light and dark, and a phone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("--step", default="", help="of the newest run; where empty, its latest")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        answer = browser.new_page().goto(f"{options.url}/runs?limit=1")
        if answer is None or not (runs := answer.json()["runs"]):
            raise RuntimeError("there is no run to take a picture of")
        step = f"&step={options.step}" if options.step else ""
        address = f"{options.url}/?run={runs[0]['id']}{step}"
        shoot_desktop(browser, address, "light")
        shoot_desktop(browser, address, "dark")
        shoot_phone(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
