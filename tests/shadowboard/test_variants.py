from typing import Any

import pytest

from shadowboard.configuration import describe, parse_config
from shadowboard.errors import ConfigurationInvalid
from shadowboard.variants import FULL, PARTS, StudyPlan, parse_plan, plan_name

TINY = {"steps": 20, "hidden": [8], "save_every": 10}


def test_each_run_differs_in_one_part_and_the_seed() -> None:
    plan = parse_plan(TINY | {"seed": 7}, 3)
    runs = list(plan.runs())
    assert [config.seed for _, config in runs] == [7] * 6 + [8] * 6 + [9] * 6
    recipes = {
        variant: {knob for knob, value in config if value != getattr(plan.config, knob) and knob != "seed"}
        for variant, config in runs
    }
    assert recipes == {
        "without_averaging": {"averages"},
        "without_learning_rate_decay": {"learning_rate_decay"},
        "without_regularization": {"regularization"},
        "without_hidden_layer": {"hidden"},
        "without_activation": {"activation"},
        "full": set(),
    }
    for _, config in runs:  # each is a recipe that can be asked for
        assert parse_config(config.model_dump()) == config
    assert {describe(c) for v, c in runs if v == "without_hidden_layer" and c.seed == 7} == {
        "steps 20, hidden none, save every 10, seed 7"
    }


def test_a_variant_is_judged_by_the_first_average_it_keeps() -> None:
    plan = parse_plan(TINY | {"averages": [{"decay": 0.5, "name": "one"}, {"decay": 0.9}]})
    judged = {variant: plan.judged_by(variant) for variant in plan.every}
    assert judged == dict.fromkeys([FULL, *PARTS], "one") | {"without_averaging": ""}


def test_some_parts_are_left_out_in_their_usual_order() -> None:
    plan = parse_plan(TINY, 2, ["without_activation", "without_averaging", "without_activation"])
    assert plan.variants == ("without_averaging", "without_activation")
    assert len(list(plan.runs())) == 6
    assert StudyPlan.model_validate_json(plan.model_dump_json()) == plan


def test_a_study_is_called_by_its_recipe() -> None:
    assert plan_name(parse_plan({})) == "Variants of the reference recipe"
    assert plan_name(parse_plan({"steps": 20})) == "Variants with steps 20"


@pytest.mark.parametrize(
    ("knobs", "seeds", "variants", "sentence"),
    [
        ({"steps": 0}, 5, PARTS, "steps is 0; expected 1 to 100,000,000."),
        ({}, 1, PARTS, "seeds is 1; expected 2 to 20."),
        ({}, 21, PARTS, "seeds is 21; expected 2 to 20."),
        ({"seed": 2**31 - 3}, 5, PARTS, "seed is 2147483645; expected at most 2,147,483,643,"),
        ({}, 5, ["all"], "There is no variant called 'all'; the variants are without_averaging, "),
        ({}, 5, [], "variants is empty; expected at least one of without_averaging, "),
        ({"averages": []}, 5, PARTS, "itself is without averaging: leave without_averaging out"),
        ({"regularization": 0}, 5, PARTS, "itself is without regularisation: leave without_regularization"),
        ({"hidden": []}, 5, ["without_activation"], "itself is without an activation: leave "),
        ({"start_from": {"run": "k7m2xd", "step": 0}}, 5, PARTS, "start_from cannot be part of a study"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    knobs: dict[str, Any], seeds: int, variants: list[str], sentence: str
) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        parse_plan(knobs, seeds, variants)
    assert sentence in str(refused.value)


def test_the_last_seed_may_be_the_largest_there_is() -> None:
    assert [config.seed for _, config in parse_plan({"seed": 2**31 - 2}, 2).runs()][-1] == 2**31 - 1
