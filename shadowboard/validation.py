"""pydantic's findings as sentences: the field, the value found, and what was expected."""

from reprlib import Repr
from typing import Any

_LONGEST = 150

# A value that is quoted may be as long and as deep as whoever sent it liked.
_quote = Repr()
_quote.maxlevel = 4
_quote.maxstring = _quote.maxother = _quote.maxlong = 100
_quote.maxlist = _quote.maxtuple = _quote.maxdict = 20


def quoted(value: Any) -> str:
    """The value as it is quoted in a sentence, cut short where it is long."""
    text = _quote.repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def number(value: Any) -> Any:
    """Refuse what pydantic would take for a number though it is none: true for 1, "7" for 7."""
    if isinstance(value, bool | str | bytes):
        raise ValueError("a number")  # noqa: TRY004 - pydantic's findings are ValueErrors
    return value


def sentence(error: Any, field: str) -> str:
    """One of ValidationError.errors() about `field` as `steps is 0; expected a number greater than 0.`"""
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    message = message.replace("String should match", "a text to match").replace("String should", "a text to")
    if message.startswith(("greater", "less")):
        message = f"a number {message}"
    return f"{field} is {quoted(error['input'])}; expected {message}." if field else f"{message}."
