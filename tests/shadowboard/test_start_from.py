"""The knob `start_from`: mappings as they are typed, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowboard.configuration import RunConfig, describe, parse_config
from shadowboard.errors import ConfigurationInvalid
from shadowboard.start_from import Mapped, StartFrom

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).map(str.strip)
NAMES = TEXT.filter(bool)
FACTORS = st.floats(allow_nan=False, allow_infinity=False)
MAPPINGS = st.builds(Mapped, NAMES.filter(lambda name: "=" not in name), NAMES, FACTORS) | st.builds(
    Mapped, NAMES.filter(lambda name: "=" not in name), st.just("")
)


@given(MAPPINGS)
def test_a_mapping_is_read_as_it_is_written(mapping: Mapped) -> None:
    assert Mapped.parse(str(mapping)) == mapping


@given(st.text())
def test_any_text_is_a_mapping_or_refused(text: str) -> None:
    try:
        found = Mapped.parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is right
    else:
        assert found.variable in text
        assert found.name in text


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("layer1/weights=old/weights*0.2", Mapped("layer1/weights", "old/weights", 0.2)),
        (" layer1/weights = old/weights * -2e-1 ", Mapped("layer1/weights", "old/weights", -0.2)),
        ("layer1/weights=old/weights", Mapped("layer1/weights", "old/weights", 1.0)),
        ("layer2/weights=", Mapped("layer2/weights", "", 1.0)),
        ("w=a=b", Mapped("w", "a=b", 1.0)),
        ("w=a*b*2", Mapped("w", "a*b", 2.0)),
    ],
)
def test_mappings(text: str, mapping: Mapped) -> None:
    assert Mapped.parse(text) == mapping


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (7, "start_from is 7; expected an object with run, folder, step, average, map, partial."),
        ({"run": "abc"}, "start_from.step is missing."),
        ({"run": "abc", "step": "latest"}, "start_from.step is 'latest'; expected a whole number, 0 to "),
        ({"run": "abc", "step": -1}, "start_from.step is -1; expected 0 to "),
        (
            {"run": "abc", "step": 1, "speed": 2},
            "There is no knob called start_from.speed; the knobs are run, ",
        ),
        ({"step": 1}, "expected either a run or a folder."),
        ({"run": "abc", "folder": "/x", "step": 1}, "expected either a run or a folder."),
        ({"run": "abc", "step": 1, "map": "a=b"}, "start_from.map is 'a=b'; expected a list."),
        (
            {"run": "abc", "step": 1, "map": ["a=b", "nothing"]},
            "start_from.map.1 is 'nothing'; expected variable=name, variable=name*factor, or variable= to "
            "initialise it afresh.",
        ),
        ({"run": "abc", "step": 1, "map": ["=b"]}, "start_from.map.0 is '=b'; expected variable=name"),
        ({"run": "abc", "step": 1, "map": ["a=*2"]}, "start_from.map.0 is 'a=*2'; expected variable=name"),
        (
            {"run": "abc", "step": 1, "map": ["a=b*c"]},
            "is 'a=b*c'; expected a finite number after the *, as in ",
        ),
        ({"run": "abc", "step": 1, "map": ["a=b*nan"]}, "is 'a=b*nan'; expected a finite number after"),
        ({"run": "abc", "step": 1, "map": ["a=b*1e999"]}, "is 'a=b*1e999'; expected a finite number after"),
        ({"run": "abc", "step": 1, "map": ["a=b", "a="]}, "expected each variable once, not a 2 times."),
        ({"run": "abc", "step": 1, "partial": 1}, "start_from.partial is 1; expected true or false."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_told(start: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_config({"start_from": start})
    assert sentence in str(caught.value)


def test_a_configuration_with_a_start() -> None:
    start = {
        "run": "k7m2xd",
        "step": 3000,
        "average": "EMA",
        "map": ["layer1/weights= w * 0.2"],
        "partial": True,
    }
    config = parse_config({"start_from": start})
    assert isinstance(config.start_from, StartFrom)
    assert config.start_from.map == ("layer1/weights=w*0.2",)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert describe(config) == "start from k7m2xd step 3000 averaged"
    folder = parse_config({"start_from": {"folder": "/somewhere/theirs", "step": 0}})
    assert describe(folder) == "start from theirs step 0"
