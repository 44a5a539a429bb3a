"""Which name each variable is restored from; never one that the checkpoint does not hold."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowboard.averaging import FIRST_NAME as EMA
from shadowboard.averaging import average_name
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.restore_map import RestoreMap, averages_in, variables_to_restore
from shadowboard.roles import roles_of


@dataclass(frozen=True)
class Tensor:
    shape: tuple[int, ...] = (3,)
    dtype: str = "float32"


def held(names: Iterable[str]) -> dict[str, Tensor]:
    """What a checkpoint holds: of these names, and all of one shape and type."""
    return dict.fromkeys(names, Tensor())


NAMES = held(["a", f"a/{EMA}", "a/EMA_0.9", "a/Momentum", "b", "global_step"])


def sources(found: RestoreMap) -> dict[str, tuple[str, str]]:
    return {one.variable: (one.name, one.source) for one in found.restored}


def test_averaged_where_there_is_an_average_and_raw_where_there_is_none() -> None:
    found = variables_to_restore(NAMES, ["a", "b", "global_step"])
    assert sources(found) == {
        "a": (f"a/{EMA}", "average"),
        "b": ("b", "raw"),
        "global_step": ("global_step", "raw"),
    }
    assert found.names == {f"a/{EMA}": "a", "b": "b", "global_step": "global_step"}
    assert found.fallbacks == ["b", "global_step"]
    assert found.sentence == (
        f"1 variable from {EMA}; b, global_step raw, for the checkpoint holds no average of them."
    )


def test_raw_needs_no_saying() -> None:
    found = variables_to_restore(NAMES, ["a", "b"], None)
    assert found.sources == {"a": "a", "b": "b"}
    assert found.fallbacks == []
    assert found.sentence == "2 variables raw."


def test_another_average() -> None:
    assert averages_in(roles_of(NAMES), ["a", "b"]) == [EMA, "EMA_0.9"]
    assert variables_to_restore(NAMES, ["a"], "EMA_0.9").sources == {"a": "a/EMA_0.9"}
    with pytest.raises(CheckpointUnsuitable, match=f"no average called X; it holds: {EMA}, EMA_0.9"):
        variables_to_restore(NAMES, ["a", "b"], "X")
    with pytest.raises(CheckpointUnsuitable, match="no average called Momentum"):  # there, and no average
        variables_to_restore(NAMES, ["a", "b"], "Momentum")


def test_a_subset_leaves_the_others_to_be_initialised() -> None:
    found = variables_to_restore(NAMES, ["a", "b", "new/layer"], only=["a"])
    assert found.sources == {"a": f"a/{EMA}"}
    assert found.uninitialised == ("b", "new/layer")
    assert (
        found.sentence == f"1 variable from {EMA}; not restored, and still to be initialised: b, new/layer."
    )


def test_renames_go_before_everything() -> None:
    layers = [f"layer{i}" for i in range(1, 6)]
    found = variables_to_restore(
        held(layers), [*(f"stem/{i}" for i in range(1, 6)), "layer6"], None,
        rename={f"stem/{i}": f"layer{i}" for i in range(1, 6)}, partial=True,
    )  # fmt: skip
    assert found.names == {f"layer{i}": f"stem/{i}" for i in range(1, 6)}
    assert found.uninitialised == ("layer6",)
    assert "5 variables from another name" in found.sentence
    assert variables_to_restore(NAMES, ["a"], rename={"a": "b"}).sources == {"a": "b"}


def test_missing_names_are_told_with_those_near_them() -> None:
    with pytest.raises(CheckpointUnsuitable) as caught:
        variables_to_restore(
            held(["layer1/weights", "layer1/biases"]), ["layer1/weight", "layer1/bias"], None
        )
    assert str(caught.value) == (
        "The checkpoint holds no layer1/weight (near it: layer1/weights, layer1/biases); "
        "no layer1/bias (near it: layer1/biases, layer1/weights)."
    )
    with pytest.raises(CheckpointUnsuitable, match=r"no x0; no x1; no x2; and 97 more\.$"):
        variables_to_restore(held(["a"]), [f"x{i}" for i in range(100)], None)
    with pytest.raises(CheckpointUnsuitable, match=r"holds no aa \(near it: a\)\.$"):
        variables_to_restore(held(["a"]), ["a"], None, rename={"a": "aa"})
    with pytest.raises(CheckpointUnsuitable, match=r"no variable called weigths \(near it: weights\)"):
        variables_to_restore(held(["weights"]), ["weights"], None, only=["weigths"])
    with pytest.raises(CheckpointUnsuitable, match="no variable called c"):
        variables_to_restore(held(["a"]), ["a"], None, rename={"c": "a"})


def test_what_is_named_like_an_average_and_is_none() -> None:
    entries = {
        **held(["w", "b", f"b/{EMA}"]),
        "w/scale": Tensor((1,)),
        "w/mask": Tensor(dtype="bool"),
        "w/Adam": Tensor(),
        "step": Tensor((), "int64"),
        f"step/{EMA}": Tensor((), "int64"),
        "w/own": Tensor(),
    }
    wanted = ["w", "b", "step", "w/own"]  # the last is a variable of the model's own
    assert averages_in(roles_of(entries, wanted), wanted) == [EMA]
    assert averages_in(roles_of(entries, ["w", "step"]), ["w", "step"]) == ["own"]
    assert variables_to_restore(entries, wanted).sources == {
        "w": "w", "b": f"b/{EMA}", "step": "step", "w/own": "w/own"
    }  # fmt: skip
    for name in ("scale", "mask", "Adam"):
        with pytest.raises(CheckpointUnsuitable, match=f"no average called {name}; it holds: {EMA}"):
            variables_to_restore(entries, wanted, name)


def test_a_rename_is_of_one_shape_and_type() -> None:
    entries = {"w": Tensor((2, 3)), "b": Tensor(), "half": Tensor(dtype="float16"), "a": Tensor()}
    assert variables_to_restore(entries, ["a"], None, rename={"a": "b"}).sources == {"a": "b"}
    for name, told in {"w": r"w is float32 \[2, 3\]", "half": r"half is float16 \[3\]"}.items():
        with pytest.raises(CheckpointUnsuitable, match=rf"^b is float32 \[3\] and {told}; a variable is"):
            variables_to_restore(entries, ["b"], None, rename={"b": name})
    # Of what the checkpoint does not hold, nobody knows the shape here.
    assert variables_to_restore(entries, ["new"], None, rename={"new": "w"}).sources == {"new": "w"}


variables = st.sets(st.sampled_from(["a", "b", "c/d", "step"]), min_size=1)


@given(
    wanted=variables,
    raw=variables,
    shadows=st.sets(st.tuples(st.sampled_from("abcd"), st.just(EMA))),
    partial=st.booleans(),
)
def test_no_name_is_invented_and_no_variable_forgotten(
    wanted: set[str], raw: set[str], shadows: set[tuple[str, str]], partial: bool
) -> None:
    names = raw | {average_name(variable, average) for variable, average in shadows}
    average = EMA if averages_in(roles_of(held(names), wanted), wanted) else None
    try:
        found = variables_to_restore(held(names), sorted(wanted), average, partial=partial)
    except CheckpointUnsuitable:
        assert not partial
        assert any(v not in names and average_name(v, EMA) not in names for v in wanted)
        return
    assert set(found.names) <= names
    assert sorted([*found.sources, *found.uninitialised]) == sorted(wanted)
    for one in found.restored:
        assert one.source == ("average" if average_name(one.variable, EMA) in names else "raw")
