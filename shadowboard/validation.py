"""pydantic's findings as sentences: the field, the value found, and what was expected."""

from typing import Any


def sentence(error: Any, field: str) -> str:
    """One of ValidationError.errors() about `field` as `steps is 0; expected a number greater than 0.`"""
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    message = message.replace("String should match", "a text to match").replace("String should", "a text to")
    if message.startswith(("greater", "less")):
        message = f"a number {message}"
    return f"{field} is {error['input']!r}; expected {message}." if field else f"{message}."
