"""The README's picture, taken of a running dashboard with the system's Chromium.

shadowboard up
python docs/screenshot.py http://127.0.0.1:8000
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

TARGET = Path(__file__).with_name("dashboard.png")
SEVEN = [
    (0.28, 0.22),
    (0.4, 0.21),
    (0.55, 0.2),
    (0.7, 0.2),
    (0.66, 0.32),
    (0.58, 0.48),
    (0.5, 0.65),
    (0.44, 0.82),
]


def draw_a_seven(page: Page) -> None:
    """One stroke with the mouse."""
    box = page.locator("#canvas").bounding_box()
    assert box, "the canvas is not on the page"  # noqa: S101
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()
    page.mouse.move(5, 5)


def main(url: str) -> None:
    """Open the page, wait for the curves, draw, wait for the reading, shoot."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=1.5)
        page.goto(url)
        page.wait_for_selector("#chart .main-svg")
        with page.expect_response("**/predict*"):
            draw_a_seven(page)
        page.wait_for_timeout(1_000)
        page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
