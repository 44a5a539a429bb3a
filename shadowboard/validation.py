"""pydantic's findings as sentences: the field, the value found, and what was expected."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from reprlib import Repr
from typing import Any

_LONGEST = 150
_MOST = 3  # findings that are told at a time
_BOUNDS = {
    "greater_than_equal": "at least",
    "greater_than": "above",
    "less_than_equal": "at most",
    "less_than": "below",
}
_BETTER = {
    "a valid boolean": "true or false",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "String should match": "a text to match",
    "String should have": "a text of",
}

HAS = "has"
"""The type of a finding whose message begins with `has`: the value found is not worth repeating."""

# A value that is quoted may be as long and as deep as whoever sent it liked.
_quote = Repr()
_quote.maxlevel = 4
_quote.maxstring = _quote.maxother = _quote.maxlong = 100
_quote.maxlist = _quote.maxtuple = _quote.maxdict = 20


def quoted(value: Any) -> str:
    """The value as it is quoted in a sentence, cut short where it is long."""
    text = _quote.repr(str(value) if isinstance(value, PurePath) else value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def number(value: Any) -> Any:
    """Refuse what pydantic would take for a number though it is none: true for 1, "7" for 7."""
    if isinstance(value, bool | str | bytes):
        raise ValueError("a number")  # noqa: TRY004 - pydantic's findings are ValueErrors
    return value


def limits(schema: Mapping[str, Any]) -> str:
    """What a JSON schema says of a number: `1 to 65,536`, `above 0 to 1`, `at least 0`; or nothing."""
    if schema.get("type") == "integer" and "exclusiveMaximum" in schema:
        schema = {**schema, "maximum": schema["exclusiveMaximum"] - 1}
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    above = "" if "minimum" in schema else "above "
    below = "" if "maximum" in schema else "below "
    if low is None and high is None:
        return ""
    if high is None:
        return f"{above or 'at least '}{_plain(low)}"
    if low is None:
        return f"{below or 'at most '}{_plain(high)}"
    return f"{above}{_plain(low)} to {below}{_plain(high)}"


def sentence(error: Any, field: str) -> str:
    """One of ValidationError.errors() about `field` as `steps is 0; expected at least 1.`"""
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    for said, better in _BETTER.items():
        if message.startswith(said):
            message = better + ("" if said.startswith("a valid") else message.removeprefix(said))
    if error["type"] in _BOUNDS and message.startswith(("greater", "less")):
        (bound,) = error["ctx"].values()
        message = f"{_BOUNDS[error['type']]} {_plain(bound)}"
    return f"{field} is {quoted(error['input'])}; expected {message}." if field else f"{message}."


def first_of(sentences: Sequence[str]) -> str:
    """The first few of the findings, and how many more there are."""
    more = len(sentences) - _MOST
    told = [*sentences[:_MOST], f"And {more} more like these."] if more > 0 else sentences
    return " ".join(told)


def _plain(bound: float) -> str:
    return f"{bound:,.15g}"
