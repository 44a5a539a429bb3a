"""`shadowboard inspect` on the snapshot demo: its three lists, to the digit."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from shadowboard import cli
from tests.oracles import snapshot_demo


def test_all_three_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = snapshot_demo.lists(snapshot_demo.train(tmp_path))
    assert expected.raw != expected.averaged
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(sys, "argv", ["shadowboard", "inspect", "--folder", str(tmp_path), "--json"])
    assert cli.run() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checkpoint"] == "snapshot-40"
    values = {variable["name"]: variable["values"] for variable in found["variables"]}
    assert sorted(values) == sorted(expected.checkpoint)
    for name, value in expected.checkpoint.items():
        np.testing.assert_array_equal(np.float32(values[name]), np.float32(value))
    kinds = {variable["name"]: variable["kind"] for variable in found["variables"]}
    assert {name: kinds[name] for name in kinds if name.startswith("weight")} == {
        "weight": "raw",
        "weight/ExponentialMovingAverage": "average",
        "weight/Momentum": "slot",
    }
    raw, averaged = (
        {variable: values[name] for name, variable in one["names"].items()} for one in found["restored"]
    )
    for mine, theirs in ((raw, expected.raw), (averaged, expected.averaged)):
        for name, value in theirs.items():
            np.testing.assert_array_equal(np.float32(mine[name]), np.float32(value))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
