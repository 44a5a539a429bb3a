"""The compatibility mode against TensorFlow's own class, and the default mode where that one fails."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from shadowboard.averaging import FIRST_NAME as EMA
from shadowboard.bundle import open_bundle
from shadowboard.restore_map import variables_to_restore, variables_to_restore_as_tensorflow

v1 = tf.compat.v1


class Model:
    """The reference's: trainable v1 and v2, a step, an average of v1 and one of the tensor v1 + v2."""

    def __init__(self, name: str = EMA) -> None:
        first = v1.get_variable("v1", initializer=1.0, use_resource=True)
        second = v1.get_variable("v2", initializer=2.0, use_resource=True)
        self.step = v1.get_variable("step", initializer=0, trainable=False, use_resource=True)
        total = tf.add(first, second, name="Add")
        self.average = tf.train.ExponentialMovingAverage(0.99, name=name)
        self.update = self.average.apply([first, total])
        self.variables = {v.op.name: v for v in v1.global_variables()}

    def asked(self, *names: str) -> dict[str, str]:
        """What TensorFlow's class answers: name → variable."""
        given: Any = [[self.variables[name] for name in names]] if names else []
        return {name: v.op.name for name, v in self.average.variables_to_restore(*given).items()}


@pytest.fixture
def model() -> Iterator[Model]:
    with tf.Graph().as_default():
        yield Model()


SHADOWS = {f"v1/{EMA}": f"v1/{EMA}", f"Add/{EMA}": f"Add/{EMA}"}
TABLE = {
    (): {f"v1/{EMA}": "v1", f"v2/{EMA}": "v2", "step": "step", f"Add/{EMA}": f"Add/{EMA}"},
    ("step",): {f"step/{EMA}": "step", "v1": "v1", "v2": "v2", **SHADOWS},
    ("v2",): {f"v2/{EMA}": "v2", "v1": "v1", "step": "step", **SHADOWS},
    ("v1",): {f"v1/{EMA}": "v1", "v2": "v2", "step": "step", f"Add/{EMA}": f"Add/{EMA}"},
}


@pytest.mark.parametrize("asked", TABLE, ids=lambda names: ",".join(names) or "default")
def test_the_references_table(model: Model, asked: tuple[str, ...]) -> None:
    averaged = asked or ("v1", "v2")  # trainable, or averaged
    assert (
        variables_to_restore_as_tensorflow(model.variables, averaged) == TABLE[asked] == model.asked(*asked)
    )


@pytest.mark.parametrize("name", [EMA, "EMA_0.999"])
def test_every_choice_of_variables(name: str) -> None:
    with tf.Graph().as_default():
        model = Model(name)
        every = sorted(model.variables)
        for asked in (c for size in range(1, len(every) + 1) for c in combinations(every, size)):
            assert variables_to_restore_as_tensorflow(model.variables, asked, name) == model.asked(*asked), (
                asked
            )


def test_the_default_mode_restores_where_tensorflows_map_fails(model: Model, tmp_path: Path) -> None:
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        session.run(model.variables["v1"].assign(10.0))
        session.run(model.update)
        prefix = v1.train.Saver().save(session, str(tmp_path / "m"), global_step=1)
        theirs = v1.train.Saver(model.average.variables_to_restore())
        with pytest.raises(tf.errors.NotFoundError, match=f"v2/{EMA} not found in checkpoint"):
            theirs.restore(session, prefix)
        entries = open_bundle(Path(prefix)).entries
        found = variables_to_restore(entries, ["v1", "v2", "step"])
        shadow, raw = session.run([model.variables[f"v1/{EMA}"], model.variables["v2"]])
        session.run(v1.global_variables_initializer())
        ours = v1.train.Saver({name: model.variables[variable] for name, variable in found.names.items()})
        ours.restore(session, prefix)
        assert session.run([model.variables["v1"], model.variables["v2"]]) == [shadow, raw]
        assert found.fallbacks == ["v2", "step"]
        assert shadow not in {1.0, 10.0}
