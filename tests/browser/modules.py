"""The page's modules by themselves, in the browser that runs them."""

from typing import Any

from playwright.sync_api import Page


def call(page: Page, module: str, code: str, argument: Any = None) -> Any:
    """The value of `code`, an expression of the imported `module` and of `argument`."""
    return page.evaluate(
        f"async (argument) => {{ const module = await import('/static/{module}.js'); return {code}; }}",
        argument,
    )
