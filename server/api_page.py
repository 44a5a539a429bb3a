"""What the page of the API shows. All of it comes out of the OpenAPI document."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

Schema = dict[str, Any]

_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "length ≥ {}",
    "maxLength": "length ≤ {}",
}

_FAILED = ("4", "5")


@dataclass(frozen=True)
class Field:
    """A parameter or a field of a body. `name` is the way to it from the top: `averages[].decay`."""

    name: str
    type: str
    description: str
    default: str | None
    required: bool
    where: str = ""  # path, query or header


@dataclass(frozen=True)
class Operation:
    """One method of one path. `address` and `curl` are filled with the parameters' examples.

    `errors` are those that not every operation has.
    """

    method: str
    path: str
    document: Schema
    parameters: list[Field]
    answers: dict[str, Schema]
    errors: dict[str, Schema]
    address: str
    curl: str

    @property
    def can_be_opened(self) -> bool:
        """A browser can show the answer: its address is complete, and it comes to an end."""
        kinds = {kind for answer in self.answers.values() for kind in answer.get("content", {})}
        return self.method == "GET" and "{" not in self.address and "text/event-stream" not in kinds


class Api:
    """An OpenAPI 3.1 document for a template; `base_url` is where the commands on the page send requests.

    `groups`: the operations by tag. `errors`: the answers, by status, that all operations have in common.
    """

    def __init__(self, document: Schema, base_url: str) -> None:
        self.info = document["info"]
        self._schemas: Schema = document.get("components", {}).get("schemas", {})
        self._base_url = base_url.rstrip("/")
        found = [(path, m, o) for path, methods in document["paths"].items() for m, o in methods.items()]
        first, *others = (operation["responses"] for _, _, operation in found)
        self.errors = {s: a for s, a in _errors(first) if others and all(o.get(s) == a for o in others)}
        self.tags = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
        self.groups: dict[str, list[Operation]] = {name: [] for name in self.tags}
        for path, method, operation in found:
            tag = operation.get("tags", ["other"])[0]
            self.groups.setdefault(tag, []).append(self._operation(path, method, operation))

    def _operation(self, path: str, method: str, document: Schema) -> Operation:
        parameters: list[Schema] = document.get("parameters", [])
        address = _address(path, parameters)
        return Operation(
            method=method.upper(),
            path=path,
            document=document,
            parameters=[
                self._field(p["name"], p["schema"] | p, p.get("required", False), p["in"]) for p in parameters
            ],
            answers={s: a for s, a in document["responses"].items() if s[0] not in _FAILED},
            errors={s: a for s, a in _errors(document["responses"]) if s not in self.errors},
            address=address,
            curl=shlex.join(["curl", *self._flags(method, document), self._base_url + address]),
        )

    def _flags(self, method: str, document: Schema) -> list[str]:
        """curl's, before the address."""
        flags = [] if method in {"get", "post"} else ["--request", method.upper()]
        for kind in (kind for answer in document["responses"].values() for kind in answer.get("content", {})):
            if kind == "text/event-stream":
                return ["--no-buffer"]
            if kind.startswith("image/"):
                return ["--remote-name"]
        for kind, media in document.get("requestBody", {}).get("content", {}).items():
            body = self._core(media["schema"])[0]
            if body.get("format") == "binary":
                return [
                    *flags,
                    "--data-binary",
                    "@picture." + kind.partition("/")[2],
                    "-H",
                    f"Content-Type: {kind}",
                ]
            for example in body.get("examples", []):
                data = json.dumps(example, ensure_ascii=False)
                return [*flags, "--data", data, "-H", f"Content-Type: {kind}"]
        return [*flags, "--request", "POST"] if method == "post" else flags

    def described(self, schema: Schema) -> str:
        """The description of a schema, or of what it is an array of."""
        return str(schema.get("description") or self._core(schema)[0].get("description", ""))

    def fields(self, schema: Schema, way: str = "") -> Iterator[Field]:
        """The fields of an object, each followed by those inside it; of several kinds of object, all."""
        told = set()
        for core, suffix in self._cores(schema):
            before = f"{way}{suffix}." if way or suffix else ""
            for name, inner in core.get("properties", {}).items():
                field = self._field(before + name, inner, name in core.get("required", []))
                if field not in told:
                    told.add(field)
                    yield field
                    yield from self.fields(inner, before + name)

    def _field(self, name: str, schema: Schema, required: bool, where: str = "") -> Field:
        default = json.dumps(schema["default"], ensure_ascii=False) if "default" in schema else None
        return Field(name, self.type(schema), self.described(schema), default, required, where)

    def _core(self, schema: Schema) -> tuple[Schema, str]:
        """What an optional value, an array or a reference comes down to; `[]` for each array on the way."""
        return next(self._cores(schema))

    def _cores(self, schema: Schema, way: str = "") -> Iterator[tuple[Schema, str]]:
        """The same for each kind of value that it may be."""
        if "$ref" in schema:
            yield from self._cores(self._resolved(schema), way)
        elif "items" in schema:
            yield from self._cores(schema["items"], f"{way}[]")
        elif "anyOf" in schema:
            for one in schema["anyOf"]:
                if one.get("type") != "null":
                    yield from self._cores(one, way)
        else:
            yield schema, way

    def _resolved(self, schema: Schema) -> Schema:
        target: Schema = self._schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        return target

    def type(self, schema: Schema) -> str:
        """The type in words, with its limits."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return " | ".join(self.type(one) for one in schema["anyOf"])
        if "prefixItems" in schema:
            return f"[{', '.join(self.type(one) for one in schema['prefixItems'])}]"
        if "enum" in schema or "const" in schema:
            return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
        if "items" in schema:
            return self._array(schema)
        if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {self.type(schema['additionalProperties'])}"
        limits = [text.format(_plain(schema[key])) for key, text in _LIMITS.items() if key in schema]
        kind = "bytes" if schema.get("format") == "binary" else schema.get("type", "anything")
        return ", ".join([kind, *limits])

    def _array(self, schema: Schema) -> str:
        least, most = schema.get("minItems"), schema.get("maxItems")
        size = "" if most is None else f"[{most}]" if least == most else f"[≤ {most}]"
        return f"array{size} of {self.type(schema['items'])}"


def prose(text: str) -> Markup:
    """A description as HTML: escaped, with its `code` marked up."""
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped


def _errors(answers: Schema) -> list[tuple[str, Schema]]:
    return [(status, answer) for status, answer in answers.items() if status[0] in _FAILED]


def _address(path: str, parameters: list[Schema]) -> str:
    """The path with the parameters' examples in it; those without stay in braces, or are left out."""
    query = {}
    for parameter in parameters:
        for example in parameter["schema"].get("examples", [])[:1]:
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", quote(_plain(example), safe=""))
            elif parameter["in"] == "query":
                query[parameter["name"]] = _plain(example)
    return f"{path}?{urlencode(query)}" if query else path


def _plain(value: Any) -> str:
    """A value as it stands in an address or a sentence."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)
