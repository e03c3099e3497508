"""Payload validation: what the official schemas of a version say of an action's request and response (Part 4 §4.1.7).

Two validators read the same schema. The compiled one (jsonschema-rs) decides when it says yes, which is nearly always
and takes microseconds. When it says no, the referee (jsonschema, several hundred times slower) looks again: it decides,
and it explains what is wrong.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import orjson

from shared.ocppj.date_time import is_date_time
from shared.ocppj.errors import (
    MAX_DESCRIPTION_LENGTH,
    FormatViolation,
    OccurrenceConstraintViolation,
    PeerError,
    PropertyConstraintViolation,
    TypeConstraintViolation,
)
from shared.ocppj.versions import Version

if TYPE_CHECKING:
    import jsonschema

_BOM: Final = b"\xef\xbb\xbf"

# The referee takes some 15 us for each value it looks at: a message of 1 MiB would make all stations wait for seconds.
_REFEREE_MAX_VALUES: Final = 1000
# Its error messages, which nobody reads, hold repr(value), and that recurses. The schemas are not ten levels deep.
_REFEREE_MAX_DEPTH: Final = 100

_MAX_POINTER_LENGTH: Final = 120
_CUT: Final = "..."


class Schemas:
    """The validators of one OCPP version, compiled once at start.

    requests, responses: the schema of each action.
    """

    def __init__(self, requests: Mapping[str, Schema], responses: Mapping[str, Schema]) -> None:
        self.requests: Final = requests
        self.responses: Final = responses

    @classmethod
    def load(cls, version: Version) -> Schemas:
        """Read and compile the schemas of every action of `version`, some 30 ms for all of 2.0.1.

        They are data files of the `ocpp` package, whose modules are not imported. Raises FileNotFoundError when the
        package or one of the files is not there.
        """
        folder = _schema_folder(version)
        requests = {
            # 2.x names a request's file ReserveNowRequest.json, 1.6 ReserveNow.json.
            action: Schema(_read(folder, version, f"{action}Request.json", f"{action}.json"))
            for action in sorted(version.actions)
        }
        responses = {
            action: Schema(_read(folder, version, f"{action}Response.json")) for action in sorted(version.actions)
        }
        return cls(requests, responses)

    def validate_request(self, action: str, payload: dict[str, Any]) -> None:
        """Return when `payload`, as JSON has it, is valid for the CALL of `action`.

        Raises the PeerError that fits (see Schema.validate), KeyError for an action that is none of this version's.
        """
        self.requests[action].validate(payload)

    def validate_response(self, action: str, payload: dict[str, Any]) -> None:
        """The same for the CALLRESULT of `action`."""
        self.responses[action].validate(payload)


class Schema:
    """One schema with its two validators."""

    def __init__(self, text: bytes) -> None:
        """text: the schema, JSON in UTF-8. It is kept as bytes: parsed it would be thousands of objects to collect."""
        self._text: Final = text
        self.compiled: Final = jsonschema_rs.validator_for(
            text.decode(), formats={"date-time": is_date_time}, validate_formats=True
        )
        self._compiled_accepts: Final = self.compiled.is_valid

    @cached_property
    def referee(self) -> jsonschema.Validator:
        """The slow validator, made when it is needed first."""
        import jsonschema  # noqa: PLC0415  # it takes longer to import than all schemas to compile, and many never need it

        formats = jsonschema.FormatChecker(formats=())
        formats.checks("date-time")(is_date_time)
        schema = orjson.loads(self._text)
        return jsonschema.validators.validator_for(schema)(schema, format_checker=formats)

    def validate(self, payload: object) -> None:
        """Return when `payload`, a JSON value, is valid.

        Otherwise raises the PeerError for the keyword of the schema that failed:

        - OccurrenceConstraintViolation: required, minItems, maxItems;
        - TypeConstraintViolation: type;
        - PropertyConstraintViolation: enum, const, format, pattern, multipleOf and the bounds of lengths and values;
        - FormatViolation: additionalProperties, and anything else.

        Its description names the field by JSON pointer (RFC 6901) and says what was expected. It never holds a received
        value. Names of fields, which it does hold, are cut when long, and what cannot be printed in them is escaped.

        Of several faults it tells the one nearest to the root of the payload, of these the one that comes first in the
        schema's file, of superfluous fields the first by name. On payloads too large for the referee (over 1000
        values, or 100 levels deep) the compiled validator's word stands, and it tells the first fault that one finds.
        """
        try:
            if self._compiled_accepts(payload):
                return
        except UnicodeEncodeError:
            raise FormatViolation("the payload: must not hold lone surrogates, for it has to be UTF-8") from None
        if _is_small(payload):
            fault = min(self._faults(payload), key=lambda fault: len(fault.path), default=None)
        else:
            fault = self._first_fault_found_by_compiled(payload)
        if fault is not None:
            raise fault.error()

    def _faults(self, payload: Any) -> Iterator[_Fault]:
        for error in self.referee.iter_errors(payload):
            yield _Fault.of(error.absolute_path, str(error.validator), error.schema, error.instance)

    def _first_fault_found_by_compiled(self, payload: object) -> _Fault:
        try:
            self.compiled.validate(payload)
        except jsonschema_rs.ValidationError as error:
            *above, keyword = error.schema_path
            schema = _at(above, orjson.loads(self._text))
            return _Fault.of(error.instance_path, str(keyword), schema, _at(error.instance_path, payload))
        except ValueError:  # it builds a copy of the wrong value for its error, and gives up on one that is too deep
            return _Fault((), "depth", None)
        raise AssertionError("the compiled validator has both accepted and refused a payload")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Where a payload breaks which rule.

    path: of the field, also of one that is missing or superfluous. limit: the value of `keyword` in the schema.
    """

    path: tuple[str | int, ...]
    keyword: str
    limit: Any

    @classmethod
    def of(cls, path: Iterable[str | int], keyword: str, schema: Any, instance: Any) -> _Fault:
        """From what a validator reports. Of a missing or a superfluous field that is the object it belongs to."""
        limit: Any = schema.get(keyword) if isinstance(schema, dict) else schema
        if keyword == "required":
            return cls((*path, next(name for name in limit if name not in instance)), keyword, limit)
        if keyword == "additionalProperties":
            return cls((*path, min(instance.keys() - schema.get("properties", {}).keys())), keyword, limit)
        return cls(tuple(path), keyword, limit)

    def error(self) -> PeerError:
        error, expectation = _RULES.get(self.keyword, _OTHER_RULE)
        pointer = _pointer(self.path) or "the payload"
        room = MAX_DESCRIPTION_LENGTH - len(pointer) - len(": ")
        return error(f"{pointer}: {_cut_list(expectation(self.limit), room)}")


_Rule = tuple[type[PeerError], Callable[[Any], str]]

_FORMATS: Final[Mapping[str, str]] = {"date-time": "must be a date-time as in RFC 3339, e.g. 2026-11-22T03:52:53.938Z"}
_OTHER_RULE: Final[_Rule] = (FormatViolation, lambda _: "does not conform to the schema")
_RULES: Final[Mapping[str, _Rule]] = {
    "required": (OccurrenceConstraintViolation, lambda _: "required, but missing"),
    "minItems": (OccurrenceConstraintViolation, lambda limit: f"must have at least {_count(limit, 'item')}"),
    "maxItems": (OccurrenceConstraintViolation, lambda limit: f"must have at most {_count(limit, 'item')}"),
    "additionalProperties": (FormatViolation, lambda _: "no such field here"),
    "type": (TypeConstraintViolation, lambda limit: f"must be of type {_alternatives(limit)}"),
    "enum": (PropertyConstraintViolation, lambda limit: f"must be one of {', '.join(map(_plain, limit))}"),
    "const": (PropertyConstraintViolation, lambda limit: f"must be {_plain(limit)}"),
    "minLength": (PropertyConstraintViolation, lambda limit: f"must be at least {_count(limit, 'character')} long"),
    "maxLength": (PropertyConstraintViolation, lambda limit: f"must be at most {_count(limit, 'character')} long"),
    "minimum": (PropertyConstraintViolation, lambda limit: f"must be at least {_plain(limit)}"),
    "maximum": (PropertyConstraintViolation, lambda limit: f"must be at most {_plain(limit)}"),
    "multipleOf": (PropertyConstraintViolation, lambda limit: f"must be a multiple of {_plain(limit)}"),
    "pattern": (PropertyConstraintViolation, lambda limit: f"must match {limit}"),
    "format": (PropertyConstraintViolation, lambda limit: _FORMATS.get(limit, f"must be of format {limit}")),
    "depth": (FormatViolation, lambda _: "does not conform to the schema, in a place nested too deeply to name it"),
}


def _count(limit: int, noun: str) -> str:
    return f"{limit} {noun}" if limit == 1 else f"{limit} {noun}s"


def _alternatives(types: str | list[str]) -> str:
    return types if isinstance(types, str) else " or ".join(types)


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the schemas have 100.0 for 100
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _pointer(path: Iterable[str | int]) -> str:
    return _cut_middle("".join(f"/{_token(step)}" for step in path))


def _token(step: str | int) -> str:
    name = _cut_middle(str(step)).replace("~", "~0").replace("/", "~1")
    return name if name.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name)


def _cut_middle(text: str) -> str:
    """The two ends of a name: a pointer begins with where to look and ends with what to look for."""
    if len(text) <= _MAX_POINTER_LENGTH:
        return text
    kept = _MAX_POINTER_LENGTH - len(_CUT)
    return f"{text[: kept // 2]}{_CUT}{text[-(kept - kept // 2) :]}"


def _cut_list(text: str, room: int) -> str:
    """A text that may be a long enumeration, which then ends after a whole item."""
    if len(text) <= room:
        return text
    kept = text[: room - len(_CUT)]
    return kept[: kept.rfind(", ") + len(", ")] + _CUT if ", " in kept else kept + _CUT


def _is_small(payload: object) -> bool:
    level = [payload]
    values = 0
    for _ in range(_REFEREE_MAX_DEPTH):
        values += len(level)
        if values > _REFEREE_MAX_VALUES:
            return False
        level = [child for value in level for child in _children(value)]
        if not level:
            return True
    return False


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _at(path: Iterable[str | int], value: Any) -> Any:
    for step in path:
        value = value[step]
    return value


def _schema_folder(version: Version) -> Path:
    # find_spec of a top-level package looks for it and does not import it: its modules are slow and bring asyncio.
    package = importlib.util.find_spec("ocpp")
    for location in (package and package.submodule_search_locations) or ():
        folder = Path(location, version.schema_folder, "schemas")
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"The schemas of {version.subprotocol} are part of the Python package 'ocpp', "
        + ("which does not have them here; install another version of it" if package else "which is not installed")
    )


def _read(folder: Path, version: Version, *names: str) -> bytes:
    for name in names:
        file = folder / name
        if file.is_file():
            return file.read_bytes().removeprefix(_BOM)
    raise FileNotFoundError(f"A schema of {version.subprotocol} is missing: {folder / names[0]}")
