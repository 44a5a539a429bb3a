"""Text that others have chosen, as a name in a file, in a sentence of ours."""

import re

# What begins a line, and what turns text around it from right to left or from left to right.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SAID = 200  # characters: an error of zipfile quotes as much of the file as the file tells it to


def printable(text: str) -> str:
    """The text without what would steer a terminal, turn the text around it, or be no text at all."""
    return "".join(c if c.isprintable() else "�" for c in text)


def in_a_line(name: str) -> str:
    """The name so that others can stand beside it; letters of all scripts and emoji stay as they are."""
    return _STEERING.sub("�", name)


def shortened(text: str, most: int) -> str:
    """The text, without its middle where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def said_by(error: Exception) -> str:
    """What an error of a library says, to stand in a sentence: its first line, shortened."""
    return shortened(in_a_line(str(error).strip().partition("\n")[0]).rstrip("."), _SAID)


def kind_and_words(error: Exception) -> str:
    """What an error that nobody expected is and says, to stand in a sentence."""
    said = said_by(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
