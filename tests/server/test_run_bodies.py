"""Whatever is posted to /runs."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import settings as settings_
from hypothesis import strategies as st

from shadowboard.configuration import RunConfig
from shadowboard.printable import in_a_line
from shadowboard.records import Run

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**400), 10**400) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=20,
)
SURROGATES = st.text(st.characters(categories=["Cs", "Cc", "Ll"]), max_size=3)
KNOBS = st.sampled_from([*RunConfig.model_fields, "speed"]) | SURROGATES
ANY = JSON | SURROGATES | st.lists(st.dictionaries(st.sampled_from(["decay", "name", "num_updates"]), JSON))


@settings_(max_examples=100, deadline=None)
@given(config=st.dictionaries(KNOBS, ANY, max_size=2))
def test_any_configuration_is_queued_or_told_apart_by_a_knob(
    sample: tuple[httpx2.Client, Run, Run], config: dict[str, Any]
) -> None:
    client, *_ = sample
    body = json.dumps({"config": config}).encode()
    config = json.loads(body)["config"]  # two halves of a character have become one
    answer = client.post("/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {201, 422}
    if answer.status_code == 422:
        detail = answer.json()["detail"]
        assert any(in_a_line(knob.encode(errors="replace").decode()) in detail for knob in config)
        assert detail.endswith(".")
        assert len(detail) < 1000


@settings_(max_examples=60, deadline=None)
@given(body=ANY | st.dictionaries(st.sampled_from(["name", "config", "steps"]) | SURROGATES, ANY))
def test_any_body_is_a_run_or_a_sentence(sample: tuple[httpx2.Client, Run, Run], body: Any) -> None:
    client, *_ = sample
    headers = {"Content-Type": "application/json"}
    answer = client.post("/runs", content=json.dumps(body).encode(), headers=headers)
    assert answer.status_code in {201, 422}
    assert answer.status_code == 201 or answer.json()["detail"].endswith(".")


@pytest.mark.parametrize(
    "body", [b"1" * 5000, b'{"config": {"steps": ' + b"9" * 5000 + b"}}", b"[" * 100_000]
)
def test_a_body_that_no_parser_takes(sample: tuple[httpx2.Client, Run, Run], body: bytes) -> None:
    client, *_ = sample
    answer = client.post("/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "The body cannot be read; expected JSON in UTF-8, not nested deeply and with no number of "
        "thousands of digits."
    )


def test_a_server_that_was_started_with_no_folder_watches_none(
    sample: tuple[httpx2.Client, Run, Run], tmp_path: Path
) -> None:
    client, *_ = sample
    answer = client.post("/runs", json={"folder": str(tmp_path)})
    assert answer.status_code == 422
    assert "this server was started with no such folder" in answer.json()["detail"]
