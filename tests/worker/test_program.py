import pytest

from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import Dataset
from worker.program import Program, compiled
from worker.trainer import Trainer


def of(**knobs: object) -> Program:
    return Program.of(parse_config(knobs), 1_000, 500)


@pytest.mark.parametrize(
    "knobs",
    [
        {"hidden": [8]},
        {"hidden": []},
        {"activation": "tanh"},
        {"optimizer": "momentum"},
        {"momentum": 0.5},
        {"regularization": 0.5},
        {"batch_size": 10},
        {"averages": []},
        {"averages": [{"decay": 0.99}, {"decay": 0.9}]},
    ],
    ids=str,
)
def test_another_loop_is_another_program(knobs: dict[str, object]) -> None:
    assert of(**knobs) != of()


def test_runs_of_one_recipe_share_one_compilation(mnist: Dataset) -> None:
    """TensorFlow never frees one: a worker would grow by some 4 MB with each run."""
    common = {"hidden": [7], "batch_size": 9}
    others = {"seed": 5, "steps": 70, "save_every": 3, "learning_rate": 0.1, "averages": [{"decay": 0.9}]}
    loop, losses = None, []
    for knobs in ({}, {"seed": 1}, others, {}):
        config = RunConfig.model_validate(common | knobs)
        trainer = Trainer(config, mnist.train)
        _, found = trainer.advance(trainer.initial(), 20)
        losses.append(found.tolist())
        loop = compiled(Program.of(config, len(mnist.train), trainer.capacity))
        assert loop.experimental_get_tracing_count() == 1
    assert losses[0] == losses[3]
    assert losses[0] != losses[1] != losses[2]
