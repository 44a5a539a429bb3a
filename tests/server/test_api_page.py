"""The page of the API says what the OpenAPI document says, all of it, and nothing else."""

import html
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from server.api_page import Api, prose
from server.app import create_app
from shadowboard.settings import Settings

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(Settings(home=tmp_path))


def page(app: FastAPI) -> str:
    answer = TestClient(app, base_url=BASE).get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def articles(text: str) -> dict[str, str]:
    """What the page says on each operation, by its id, without the tags."""
    found = re.findall(r'<article class="panel" id="(\w+)">(.*?)</article>', text, re.DOTALL)
    return {name: html.unescape(re.sub(r"<[^>]*>", "", body)) for name, body in found}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def models(schema: Any, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema, found without the page's own code."""
    if isinstance(schema, list):
        for one in schema:
            yield from models(one, document)
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key == "$ref":
                yield from models(document["components"]["schemas"][value.split("/")[-1]], document)
            elif key not in {"default", "examples"}:
                yield from models(value, document)


def test_every_operation_is_shown_with_its_parameters_and_texts(app: FastAPI) -> None:
    document, shown = app.openapi(), articles(page(app))
    assert set(shown) == {operation["operationId"] for _, _, operation in operations(document)}
    for path, method, operation in operations(document):
        text = shown[operation["operationId"]]
        assert re.search(rf"\b{method}\b", text)
        assert path in text
        assert operation["summary"] in text
        for parameter in operation.get("parameters", []):
            row = text[text.index(f"  {parameter['name']} {parameter['in']}") :]
            assert parameter["description"].replace("`", "") in row
            for value in parameter["schema"].get("enum", []):
                assert f'"{value}"' in row


def test_every_field_of_every_body_is_shown_where_it_belongs(app: FastAPI) -> None:
    document, shown = app.openapi(), articles(page(app))
    for _, _, operation in operations(document):
        text = shown[operation["operationId"]]
        bodies = [operation.get("requestBody", {})]
        bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        for media_type, media in [item for body in bodies for item in body.get("content", {}).items()]:
            assert media_type in text
            for model in models(media, document):
                for name, field in model.get("properties", {}).items():
                    if isinstance(field, dict):
                        assert re.search(rf"[\s.]{name}$", text, re.MULTILINE), name
                        assert field.get("description", "").replace("`", "") in text


def test_errors_of_all_operations_are_told_once_and_others_where_they_belong(app: FastAPI) -> None:
    document, text, shown = app.openapi(), page(app), articles(page(app))
    found = list(operations(document))
    for _, _, operation in found:
        for status, answer in operation["responses"].items():
            if status < "4":
                continue
            described = answer["description"].replace("`", "")
            if all(other["responses"].get(status) == answer for _, _, other in found):
                assert html.unescape(re.sub(r"<[^>]*>", "", text)).count(f"{status}: {described}") == 1
            else:
                assert f"{status}: {described}" in shown[operation["operationId"]]
    assert text.count("<code>application/problem+json</code>") == 1


def test_texts_were_written_for_people(app: FastAPI) -> None:
    document = app.openapi()
    found = list(operations(document))
    assert len({operation["operationId"] for _, _, operation in found}) == len(found)
    for _, _, operation in found:
        name = operation["operationId"]
        assert re.fullmatch(r"[a-z_]+", name)
        assert operation["summary"] != name.replace("_", " ").title()  # the framework's own
        assert operation["description"]
        assert set(operation["tags"]) <= {tag["name"] for tag in document["tags"]}
    assert "Successful Response" not in page(app)


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(app: FastAPI) -> None:
    text = page(app)
    assert set(re.findall(r"\w+://[\w.:\[\]-]+", text)) == {BASE}
    for address in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert "//" not in address
    assert "<style" not in text
    assert not re.search(r"\s(style|on\w+)=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_links_lead_somewhere(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(home=tmp_path)), base_url=BASE) as client:
        text = client.get("/docs").text
        for address in map(html.unescape, re.findall(r'href="([^"]*)"', text)):
            if address.startswith("#"):
                assert f'id="{address[1:]}"' in text
            else:
                answer = client.get("/" + address.removeprefix("./").removeprefix("/"))
                of_a_run = re.match(r"(evaluate|compare|readyz)($|[?/])", address)  # and there is none yet
                assert answer.status_code in ({404, 503} if of_a_run else {200})


def test_the_page_is_no_operation(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert not {"/", "/docs", "/favicon.ico"} & set(paths)


def test_whatever_the_document_says_is_escaped(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "<evil a='`<evil>`' b=\" onclick=alert(1) \">"
    schema = {"type": "object", "description": evil, "properties": {evil: {"type": evil, "default": evil}}}
    media = {evil: {"schema": schema}}
    document = {
        "info": {"title": evil, "version": evil, "description": evil},
        "tags": [{"name": evil, "description": evil}],
        "paths": {
            f"/{evil}": {
                "post": {
                    "operationId": evil,
                    "tags": [evil],
                    "summary": evil,
                    "description": evil,
                    "parameters": [
                        {"name": evil, "in": evil, "description": evil, "schema": {"enum": [evil]}},
                        {"name": "q", "in": "query", "schema": {"examples": [evil], "pattern": evil}},
                    ],
                    "requestBody": {"content": media},
                    "responses": {evil: {"description": evil, "content": media}},
                }
            }
        },
    }
    monkeypatch.setattr(app, "openapi", lambda: document)
    text = page(app)
    assert text.count("alert(1)") > 20
    elements: list[tuple[str, list[tuple[str, str | None]]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: elements.append((tag, attributes))  # type: ignore[method-assign]
    parser.feed(text)
    assert "evil" not in {tag for tag, _ in elements}
    assert "onclick" not in {name for _, attributes in elements for name, _ in attributes}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("evaluate", ["curl", f"{BASE}/evaluate?ema=true"]),
        (
            "predict",
            ["curl", "--data-binary", "@picture.png", "-H", "Content-Type: image/png", f"{BASE}/predict"],
        ),
        ("stop_run", ["curl", "--request", "POST", f"{BASE}/runs/{{run_id}}/stop"]),
        ("events", ["curl", "--no-buffer", f"{BASE}/runs/{{run_id}}/events"]),
        ("image", ["curl", "--remote-name", f"{BASE}/images/test/0.png"]),
    ],
)
def test_commands(app: FastAPI, name: str, words: list[str]) -> None:
    (line,) = [line for line in articles(page(app))[name].splitlines() if "curl " in line]
    assert shlex.split(line) == words or shlex.split(line)[:-1] == words


def test_the_command_that_queues_a_run_works(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path))
    api = Api(app.openapi(), BASE)
    (command,) = [o.curl for o in api.groups["runs"] if o.document["operationId"] == "create_run"]
    words = shlex.split(command)
    body = words[words.index("--data") + 1]
    with TestClient(app, base_url=BASE) as client:
        answer = client.post("/runs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201
        assert answer.json()["config"]["steps"] == 5000


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1.0, "maximum": 100000}, "integer, ≥ 1, ≤ 100000"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, "number, > 0, < 0.5"),
        ({"type": "string", "maxLength": 64, "pattern": "^a$"}, "string, length ≤ 64"),
        ({"type": "string", "format": "binary"}, "bytes"),
        ({"anyOf": [{"$ref": "#/components/schemas/Pair"}, {"type": "null"}]}, "[number, boolean] | null"),
        ({"type": "array", "minItems": 2, "maxItems": 2, "items": {"const": "a"}}, 'array[2] of "a"'),
        ({"type": "array", "maxItems": 2, "items": {"type": "array", "items": {}}}, None),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ({"type": "object", "additionalProperties": False}, "object"),
        ({}, "anything"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str | None) -> None:
    pair = {"type": "array", "prefixItems": [{"type": "number"}, {"type": "boolean"}]}
    document = {
        "info": {},
        "paths": {"/": {"get": {"responses": {}}}},
        "components": {"schemas": {"Pair": pair}},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Api, "_operation", lambda *_: None)
        api = Api(document, BASE)
    assert api.type(schema) == (words or "array[≤ 2] of array of anything")


def test_code_in_descriptions() -> None:
    assert prose("`a<b` & c") == "<code>a&lt;b</code> &amp; c"


def test_favicon(app: FastAPI) -> None:
    answer = TestClient(app, base_url=BASE).get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.content.startswith(b"<svg")
