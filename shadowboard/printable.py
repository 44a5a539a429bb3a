"""Text that others have chosen, as a name in a file, in a sentence of ours."""

import re

# What begins a line, and what turns text around it from right to left or from left to right.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text without what would steer a terminal, turn the text around it, or be no text at all."""
    return "".join(c if c.isprintable() else "�" for c in text)


def in_a_line(name: str) -> str:
    """The name so that others can stand beside it; letters of all scripts and emoji stay as they are."""
    return _STEERING.sub("�", name)
