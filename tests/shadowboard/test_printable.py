"""Names that others have chosen, in what this program writes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowboard import cli
from shadowboard.errors import CheckpointMissing
from shadowboard.printable import in_a_line, kind_and_words, printable, said_by, shortened

FAMILY = "👩‍👩‍👧‍👦"  # four, joined


def test_nothing_that_steers_a_terminal_is_left() -> None:
    every = "".join(map(chr, range(0x3000))) + "\udcff"
    left = printable(every)
    assert len(left) == len(every)
    assert not {unicodedata.category(c) for c in left} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable("Grüße, 784 → … → 10 × שלום") == "Grüße, 784 → … → 10 × שלום"


def test_what_turns_the_text_around_a_name_is_not_left_in_it() -> None:
    steering = [chr(c) for c in range(0x110000) if unicodedata.bidirectional(chr(c)) in
                {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B"}]  # fmt: skip
    assert len(steering) > 12
    assert in_a_line("".join(steering)) == "�" * len(steering)
    for name in (FAMILY * 64, "שלום \u200fעולם", "a b\u00a0c", "<b>&amp;'\""):
        assert in_a_line(name) == name


def test_errors_steer_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> int:
        raise CheckpointMissing("There is no folder /x/\x1b]0;title\x07\x1b[2J\r\nshadowboard: all is well.")

    monkeypatch.setattr(cli, "app", fail)
    assert cli.run() == 1
    told = capsys.readouterr().err
    assert told == "shadowboard: There is no folder /x/�]0;title��[2J��shadowboard: all is well.\n"


@given(st.text(max_size=60), st.integers(4, 40))
def test_both_ends_of_a_long_text_are_left(text: str, most: int) -> None:
    left = shortened(text, most)
    assert len(left) <= most
    if len(text) <= most:
        assert left == text
    else:
        start, end = left[: most // 2], left[most // 2 + 1 :]
        assert left == f"{start}…{end}"
        assert text.startswith(start)
        assert text.endswith(end)
        assert abs(len(start) - len(end)) <= 1


def test_what_a_library_says_is_a_part_of_a_sentence() -> None:
    assert said_by(ValueError("bad magic number.\n  at 0x0")) == "bad magic number"
    assert len(said_by(ValueError("x" * 70_000))) == 200
    assert kind_and_words(KeyError("elu")) == "KeyError: 'elu'"
    assert kind_and_words(MemoryError()) == "MemoryError"
    assert kind_and_words(ValueError("\nthe cause\n")) == "ValueError: the cause"


def test_what_nobody_expected_steers_no_terminal_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> int:
        raise ArithmeticError("\x1b[2J" + "x" * 70_000 + "\u200b")

    monkeypatch.setattr(cli, "app", fail)
    assert cli.run() == 1
    told = capsys.readouterr().err
    assert told.startswith("shadowboard: ArithmeticError: �[2Jxxx")
    assert told.endswith("xxx� (--debug shows where)\n")
    assert len(told) < 300


def test_errors_are_a_line_of_which_the_end_is_left() -> None:
    told = str(CheckpointMissing(f"There is no {'x' * 70_000}\nat all; expected one."))
    assert told.startswith("There is no xxx")
    assert told.endswith("x�at all; expected one.")
    assert len(told) == 1900
