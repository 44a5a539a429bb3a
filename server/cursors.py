"""How far a reader of a run's events has come, as the text of an event's id."""

import re

from shadowboard.records import Cursor

PATTERN = "m([0-9]{1,18})-c([0-9]{1,18})-e([0-9]{1,18})"


def encode(cursor: Cursor) -> str:
    """The id of an event: how far a reader who has it has come."""
    return f"m{cursor.metric}-c{cursor.checkpoint}-e{cursor.evaluation}"


def decode(text: str) -> Cursor:
    """The cursor in an event's id. Raises ValueError."""
    match = re.fullmatch(PATTERN, text)
    if match is None:
        raise ValueError("the id of an event, such as m12-c3-e40")
    return Cursor(*map(int, match.groups()))
