"""The page at /docs: the OpenAPI document as HTML that a person can read, without scripts and without the internet."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

_MAX_DEPTH: Final = 4
_CODE: Final = re.compile(r"`([^`]+)`")
_CONSTRAINTS: Final = {
    "format": "{}",
    "pattern": "matches {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
}

Schema = Mapping[str, Any]


def render_docs(document: Mapping[str, Any], base_url: str) -> str:
    """The page. base_url: where the examples send their requests."""
    environment = Environment(
        loader=PackageLoader("csms.api"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = _prose
    environment.filters["pretty"] = _pretty
    schemas = _Schemas(document["components"]["schemas"])
    return environment.get_template("docs.html").render(
        info=document["info"],
        tags=_by_tag(document, base_url),
        fields=schemas.fields,
        words=schemas.words,
    )


def _by_tag(document: Mapping[str, Any], base_url: str) -> dict[str, list[dict[str, Any]]]:
    tags: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            call = {"method": method.upper(), "path": path, "curl": _curl(base_url, path, method.upper(), operation)}
            tags[operation["tags"][0]].append(operation | call)
    return tags


def _curl(base_url: str, path: str, method: str, operation: Mapping[str, Any]) -> str:
    """The call as a command line that one can copy."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(parameter["example"]))
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    if "security" in operation:
        words += ["-H", "Authorization: Bearer TOKEN"]
    words.append(base_url + path)
    for media in operation.get("requestBody", {}).get("content", {}).values():
        for example in list(media.get("examples", {}).values())[:1]:
            words += ["--json", orjson.dumps(example["value"]).decode()]
    return shlex.join(words)


class _Schemas:
    """Tells what a schema of the document says, in words."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def fields(self, schema: Schema, depth: int = 0) -> Iterator[dict[str, Any]]:
        """The members of an object, those of the objects within it included, with how deep they lie."""
        schema = self._object_in(schema)
        required = schema.get("required", ())
        for name, member in schema.get("properties", {}).items():
            default = member.get("default")
            yield {
                "name": name,
                "depth": depth,
                "words": self.words(member),
                "required": name in required,
                "default": None if default is None else orjson.dumps(default).decode(),
                "description": member.get("description", ""),
            }
            if depth < _MAX_DEPTH:
                yield from self.fields(member, depth + 1)

    def words(self, schema: Schema) -> str:
        """What kind of value it is: "string, at most 36 characters"."""
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self.words(one) for one in schema["anyOf"]))
        if "$ref" in schema:
            return self.words(self._resolve(schema))
        if "enum" in schema:
            return " | ".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        kind = schema.get("type", "anything")
        if kind == "array":
            inner = self.words(schema["items"]) if schema.get("items") else "anything"
            return f"list of {inner}"
        limits = [words.format(schema[keyword]) for keyword, words in _CONSTRAINTS.items() if keyword in schema]
        return ", ".join([kind if isinstance(kind, str) else " or ".join(kind), *limits])

    def _resolve(self, schema: Schema) -> Schema:
        return self._components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def _object_in(self, schema: Schema) -> Schema:
        """The object that a schema is of, or is a list of; {} for none."""
        schema = self._resolve(schema)
        for one in schema.get("anyOf", ()):
            if found := self._object_in(one):
                return found
        if schema.get("type") == "array" and schema.get("items"):
            return self._object_in(schema["items"])
        return schema if "properties" in schema else {}


def _prose(text: str) -> Markup:
    """Paragraphs, and `code` in them."""
    paragraphs = (_CODE.sub(r"<code>\1</code>", str(escape(part))) for part in text.split("\n\n"))
    return Markup("".join(f"<p>{part}</p>" for part in paragraphs))  # noqa: S704 - escaped above


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
