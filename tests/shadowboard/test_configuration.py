from typing import Any

import pytest

from shadowboard.configuration import RunConfig, describe, parse_average, parse_config
from shadowboard.errors import ConfigurationInvalid


def test_the_defaults_are_the_reference_recipe() -> None:
    config = RunConfig()
    assert (config.steps, config.batch_size, config.hidden, config.save_every) == (30_000, 100, (500,), 1_000)
    assert (config.learning_rate, config.learning_rate_decay, config.regularization) == (0.8, 0.99, 1e-4)
    assert [(a.decay, a.num_updates) for a in config.averages] == [(0.99, True)]
    assert describe(config) == "reference recipe"


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        (
            {"steps": 0},
            "steps is 0; expected 1 to 100,000,000.",
        ),
        (
            {"seed": 1.5},
            "seed is 1.5; expected a whole number, 0 to 2,147,483,647.",
        ),
        ({"batch_size": True}, "batch_size is True; expected a whole number, 1 to 65,536."),
        ({"save_every": "7"}, "save_every is '7'; expected a whole number, 1 to 100,000,000."),
        ({"regularization": None}, "regularization is None; expected a number, 0 to 1,000,000."),
        ({"momentum": 1.0}, "momentum is 1.0; expected 0 to below 1."),
        (
            {"learning_rate": float("nan")},
            "learning_rate is nan; expected above 0 to 1,000,000.",
        ),
        ({"hidden": [500, 0]}, "hidden.1 is 0; expected 1 to 65,536."),
        ({"hidden": [1] * 17}, "1]; expected at most 16 of them."),
        ({"hidden": 500}, "hidden is 500; expected a list."),
        ({"averages": [1]}, "averages.0 is 1; expected an object with decay, num_updates, name."),
        ({"averages": [{"decay": True}]}, "averages.0.decay is True; expected a number, 0 to below 1."),
        ({"averages": [{"num_updates": 1}]}, "averages.0.num_updates is 1; expected true or false."),
        ({"averages": [{"speed": 1}]}, "There is no knob called averages.0.speed; the knobs are decay, "),
        ({"activation": "gelu"}, "activation is 'gelu'; expected 'relu', 'tanh', 'sigmoid' or 'none'."),
        ({"averages": [{"decay": 1.0}]}, "averages.0.decay is 1.0; expected 0 to below 1."),
        (
            {"averages": [{"decay": 0.9}, {"decay": 0.9}]},
            "two averages have the decay 0.9; expected each once",
        ),
        (
            {"averages": [{"decay": 0.9, "name": "a"}, {"decay": 0.8, "name": "a"}]},
            "two averages are named a",
        ),
        ({"averages": [{"name": "Momentum"}]}, "named Momentum, which is what an optimiser's slot is named"),
        ({"averages": [{"decay": 0.9}, {"name": "Adam_1"}]}, "named Adam_1, which is what an optimiser's"),
        ({"speed": 3}, "There is no knob called speed; the knobs are steps, "),
        ({"foo": 1, "steps": -5}, "steps is -5; expected 1 to 100,000,000. There is no knob called foo; "),
        ({"hidden": [0] * 5}, "hidden.2 is 0; expected 1 to 65,536. And 2 more like these."),
    ],
)
def test_a_bad_knob_is_named_with_its_value_and_what_was_expected(
    knobs: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_config(knobs)
    assert sentence in str(caught.value)


def test_a_configuration_survives_json() -> None:
    config = parse_config({"hidden": [], "averages": [{"decay": 0.9}, {"decay": 0.99, "num_updates": False}]})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_run_is_described_by_what_differs() -> None:
    config = parse_config({"seed": 3, "hidden": [300, 100], "averages": []})
    assert describe(config) == "hidden 300 + 100, averages none, seed 3"


def test_an_average_on_the_command_line() -> None:
    assert parse_average("0.99") == {"decay": 0.99, "num_updates": True}
    assert parse_average("0.99", num_updates=False) == {"decay": 0.99, "num_updates": False}
    assert parse_average("0.999:constant") == {"decay": 0.999, "num_updates": False}
    for bad in ("fast", "0.9:", "0.9:slow"):
        with pytest.raises(ConfigurationInvalid, match=bad):
            parse_average(bad)
