"""The official schemas decide what is valid (Part 4 §4.1.7); of the rest the CALLERROR says what and where (§4.3)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.ocppj.errors import (
    MAX_DESCRIPTION_LENGTH,
    FormatViolation,
    OccurrenceConstraintViolation,
    PeerError,
    PropertyConstraintViolation,
    TypeConstraintViolation,
)
from shared.ocppj.schemas import Schema, Schemas
from shared.ocppj.versions import V201, Version
from tests.shared.ocppj.strategies import BAD_DATES, NON_BMP, broken_payloads, payloads

NOW = "2026-11-22T03:52:53.938Z"
BOOT: dict[str, Any] = {"reason": "PowerUp", "chargingStation": {"model": "Wallbox XYZ", "vendorName": "anewone"}}
EVENT: dict[str, Any] = {
    "eventType": "Updated",
    "timestamp": NOW,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 4,
    "transactionInfo": {"transactionId": "tx-1"},
    "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": 1.5}, {"value": 2}]}],
}

SCHEMAS = Schemas.load(V201)
EVERY_SCHEMA = [f"{action}Request" for action in SCHEMAS.requests] + [
    f"{action}Response" for action in SCHEMAS.responses
]


def schema_called(name: str) -> Schema:
    if name.endswith("Request"):
        return SCHEMAS.requests[name.removesuffix("Request")]
    return SCHEMAS.responses[name.removesuffix("Response")]


def document_of(schema: Schema) -> dict[str, Any]:
    document = schema.referee.schema
    assert isinstance(document, dict)
    return document


def schema_of(document: dict[str, Any]) -> Schema:
    return Schema(orjson.dumps({"$schema": "http://json-schema.org/draft-06/schema#", **document}))


def fault_in(schema: Schema, payload: object) -> PeerError:
    with pytest.raises(PeerError) as caught:
        schema.validate(payload)
    assert len(caught.value.description) <= MAX_DESCRIPTION_LENGTH
    assert caught.value.description.isprintable()
    return caught.value


def request_fault(action: str, payload: dict[str, Any]) -> tuple[type[PeerError], str]:
    with pytest.raises(PeerError) as caught:
        SCHEMAS.validate_request(action, payload)
    return type(caught.value), caught.value.description


# --- the two validators never disagree -------------------------------------------------------------------------------


@cache
def valid_payloads(name: str) -> st.SearchStrategy[Any]:
    return payloads(document_of(schema_called(name)))


@cache
def payloads_with_faults(name: str) -> st.SearchStrategy[Any]:
    return broken_payloads(valid_payloads(name))


# The larger schemas make large payloads: slow to draw, and now and then too large to go on with.
few_examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("name", EVERY_SCHEMA)
@settings(few_examples, max_examples=5)
@given(data=st.data())
def test_both_validators_accept_what_is_valid_before_and_after_the_wire(name: str, data: st.DataObject) -> None:
    schema = schema_called(name)
    payload = data.draw(valid_payloads(name))
    assert schema.compiled.is_valid(payload)
    assert schema.referee.is_valid(payload)
    received = orjson.loads(orjson.dumps(payload))
    assert schema.compiled.is_valid(received)
    assert schema.referee.is_valid(received)
    schema.validate(received)


@pytest.mark.parametrize("name", EVERY_SCHEMA)
@settings(few_examples, max_examples=15)
@given(data=st.data())
def test_both_validators_give_the_same_verdict_on_what_is_broken(name: str, data: st.DataObject) -> None:
    schema = schema_called(name)
    payload = data.draw(payloads_with_faults(name))
    verdict = schema.referee.is_valid(payload)
    assert schema.compiled.is_valid(payload) is verdict
    if verdict:
        schema.validate(payload)
    else:
        fault_in(schema, payload)


@settings(few_examples, max_examples=200)
@given(BAD_DATES)
def test_both_validators_give_the_same_verdict_on_dates(text: str) -> None:
    schema = SCHEMAS.responses["Heartbeat"]
    assert schema.compiled.is_valid({"currentTime": text}) is schema.referee.is_valid({"currentTime": text})


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_SCHEMA)
@settings(few_examples, max_examples=100)
@given(data=st.data())
def test_both_validators_give_the_same_verdict_on_a_great_many(name: str, data: st.DataObject) -> None:
    schema = schema_called(name)
    payload = data.draw(payloads_with_faults(name))
    assert schema.compiled.is_valid(payload) is schema.referee.is_valid(payload)


BOUNDS = ("maxLength", "minItems", "maxItems", "minimum", "maximum")


def every_bound(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield from ((keyword, schema[keyword]) for keyword in BOUNDS if isinstance(schema.get(keyword), int | float))
        for part in schema.values():
            yield from every_bound(part)


ALL_BOUNDS = sorted({bound for name in EVERY_SCHEMA for bound in every_bound(document_of(schema_called(name)))})


def sized(keyword: str, size: Any) -> Any:
    if keyword == "maxLength":
        return NON_BMP * size
    return [None] * size if keyword.endswith("Items") else size


@pytest.mark.parametrize(("keyword", "limit"), ALL_BOUNDS)
def test_both_validators_draw_each_line_at_the_same_place(keyword: str, limit: Any) -> None:
    schema = schema_of({keyword: limit})
    for step in (-1, 0, 1):
        value = sized(keyword, limit + step)
        holds = step >= 0 if keyword.startswith("min") else step <= 0
        assert schema.compiled.is_valid(value) is schema.referee.is_valid(value) is holds


# --- which error, and what it says -----------------------------------------------------------------------------------


def test_valid_payloads_pass_in_both_directions() -> None:
    SCHEMAS.validate_request("BootNotification", BOOT)
    SCHEMAS.validate_response("BootNotification", {"currentTime": NOW, "interval": 10, "status": "Accepted"})
    SCHEMAS.validate_request("Heartbeat", {})


def test_request_and_response_of_an_action_have_schemas_of_their_own() -> None:
    assert request_fault("Heartbeat", {"currentTime": NOW}) == (FormatViolation, "/currentTime: no such field here")
    with pytest.raises(OccurrenceConstraintViolation, match=r"^/currentTime: required, but missing$"):
        SCHEMAS.validate_response("Heartbeat", {})


def test_unknown_action_is_for_the_caller_to_rule_out() -> None:
    with pytest.raises(KeyError):
        SCHEMAS.validate_request("StartTransaction", {})
    with pytest.raises(KeyError):
        SCHEMAS.validate_response("StartTransaction", {})


@pytest.mark.parametrize(
    ("action", "payload", "error", "description"),
    [
        pytest.param(
            "BootNotification",
            {"reason": "PowerUp", "chargingStation": {"vendorName": "anewone"}},
            OccurrenceConstraintViolation,
            "/chargingStation/model: required, but missing",
            id="required",
        ),
        pytest.param(
            "TransactionEvent",
            EVENT | {"meterValue": []},
            OccurrenceConstraintViolation,
            "/meterValue: must have at least 1 item",
            id="minItems",
        ),
        pytest.param(
            "GetReport",
            {"requestId": 1, "componentCriteria": ["Active"] * 5},
            OccurrenceConstraintViolation,
            "/componentCriteria: must have at most 4 items",
            id="maxItems",
        ),
        pytest.param(
            "BootNotification",
            BOOT | {"colour": "green"},
            FormatViolation,
            "/colour: no such field here",
            id="additionalProperties",
        ),
        pytest.param(
            "TransactionEvent",
            EVENT | {"evse": {"id": "1"}},
            TypeConstraintViolation,
            "/evse/id: must be of type integer",
            id="type",
        ),
        pytest.param(
            "TransactionEvent",
            EVENT | {"seqNo": True},
            TypeConstraintViolation,
            "/seqNo: must be of type integer",
            id="type: a boolean is no integer",
        ),
        pytest.param(
            "TransactionEvent",
            EVENT | {"seqNo": 1.5},
            TypeConstraintViolation,
            "/seqNo: must be of type integer",
            id="type: a fraction is no integer",
        ),
        pytest.param(
            "TransactionEvent",
            EVENT | {"meterValue": [EVENT["meterValue"][0], {"timestamp": NOW, "sampledValue": [{"value": None}]}]},
            TypeConstraintViolation,
            "/meterValue/1/sampledValue/0/value: must be of type number",
            id="type, in an array; null is not absent (Part 4 §4.1.5)",
        ),
        pytest.param(
            "BootNotification",
            BOOT | {"reason": "Powerup"},
            PropertyConstraintViolation,
            "/reason: must be one of ApplicationReset, FirmwareUpdate, LocalReset, PowerUp, RemoteReset, "
            "ScheduledReset, Triggered, Unknown, Watchdog",
            id="enum",
        ),
        pytest.param(
            "ReserveNow",
            {"id": 1, "expiryDateTime": NOW, "idToken": {"idToken": "x" * 37, "type": "Local"}},
            PropertyConstraintViolation,
            "/idToken/idToken: must be at most 36 characters long",
            id="maxLength",
        ),
        pytest.param(
            "TransactionEvent",
            EVENT | {"timestamp": "2026-11-22T03:52:53.938"},
            PropertyConstraintViolation,
            "/timestamp: must be a date-time as in RFC 3339, e.g. 2026-11-22T03:52:53.938Z",
            id="format",
        ),
        pytest.param(
            "NotifyEVChargingNeeds",
            {
                "evseId": 1,
                "chargingNeeds": {
                    "requestedEnergyTransfer": "DC",
                    "dcChargingParameters": {"evMaxCurrent": 1, "evMaxVoltage": 1, "stateOfCharge": -1},
                },
            },
            PropertyConstraintViolation,
            "/chargingNeeds/dcChargingParameters/stateOfCharge: must be at least 0",
            id="minimum",
        ),
        pytest.param(
            "NotifyEVChargingNeeds",
            {
                "evseId": 1,
                "chargingNeeds": {
                    "requestedEnergyTransfer": "DC",
                    "dcChargingParameters": {"evMaxCurrent": 1, "evMaxVoltage": 1, "stateOfCharge": 101},
                },
            },
            PropertyConstraintViolation,
            "/chargingNeeds/dcChargingParameters/stateOfCharge: must be at most 100",
            id="maximum",
        ),
    ],
)
def test_error_follows_from_the_keyword_that_failed(
    action: str, payload: dict[str, Any], error: type[PeerError], description: str
) -> None:
    assert request_fault(action, payload) == (error, description)


@pytest.mark.parametrize(
    ("rules", "value", "error", "description"),
    [
        ({"const": "on"}, "off", PropertyConstraintViolation, "/x: must be on"),
        ({"const": 7}, 8, PropertyConstraintViolation, "/x: must be 7"),
        ({"enum": [1, 2, None]}, 3, PropertyConstraintViolation, "/x: must be one of 1, 2, null"),
        ({"minLength": 1}, "", PropertyConstraintViolation, "/x: must be at least 1 character long"),
        ({"pattern": "^[a-z]+$"}, "A", PropertyConstraintViolation, "/x: must match ^[a-z]+$"),
        ({"multipleOf": 0.5}, 0.7, PropertyConstraintViolation, "/x: must be a multiple of 0.5"),
        ({"type": ["string", "null"]}, 1, TypeConstraintViolation, "/x: must be of type string or null"),
        ({"uniqueItems": True}, [1, 1], FormatViolation, "/x: does not conform to the schema"),
        ({"not": {"type": "null"}}, None, FormatViolation, "/x: does not conform to the schema"),
    ],
)
def test_keywords_that_other_versions_may_use_are_mapped_too(
    rules: dict[str, Any], value: Any, error: type[PeerError], description: str
) -> None:
    fault = fault_in(schema_of({"properties": {"x": rules}}), {"x": value})
    assert (type(fault), fault.description) == (error, description)


def test_integer_with_a_fraction_of_zero_is_an_integer() -> None:
    """draft-06 §6.25 (validation), and what some JSON writers make of every number."""
    SCHEMAS.validate_request("TransactionEvent", EVENT | {"seqNo": 4.0})


def test_length_counts_characters_not_bytes() -> None:
    id_token = {"idToken": NON_BMP * 36, "type": "Local"}
    SCHEMAS.validate_request("Authorize", {"idToken": id_token})
    assert request_fault("Authorize", {"idToken": id_token | {"idToken": NON_BMP * 37}}) == (
        PropertyConstraintViolation,
        "/idToken/idToken: must be at most 36 characters long",
    )


def test_payload_that_is_no_object_is_of_the_wrong_type() -> None:
    fault = fault_in(SCHEMAS.requests["Heartbeat"], [])
    assert isinstance(fault, TypeConstraintViolation)
    assert fault.description == "the payload: must be of type object"


def test_text_that_is_not_utf_8_is_refused() -> None:
    """Part 4 §4.1.2. It cannot come over the wire, but over the API: JSON has escapes for lone surrogates."""
    fault = fault_in(SCHEMAS.requests["BootNotification"], BOOT | {"reason": "\ud800"})
    assert isinstance(fault, FormatViolation | PropertyConstraintViolation)


# --- of several faults, always the same one --------------------------------------------------------------------------


def test_shallowest_fault_is_told() -> None:
    payload = EVENT | {"evse": {"id": "x"}, "transactionInfo": {}, "offline": "no"}
    assert request_fault("TransactionEvent", payload)[1] == "/offline: must be of type boolean"


def test_missing_field_is_as_deep_as_it_would_be() -> None:
    payload = {"reason": 5, "chargingStation": {}}
    assert request_fault("BootNotification", payload)[1] == "/reason: must be of type string"


def test_of_equally_deep_faults_the_first_in_the_schema_is_told() -> None:
    schema = schema_of({"properties": {"b": {"type": "null"}, "a": {"type": "null"}}, "required": ["d", "c"]})
    assert fault_in(schema, {"a": 1, "b": 1}).description == "/b: must be of type null"
    assert fault_in(schema, {"a": None, "b": None}).description == "/d: required, but missing"


def test_of_superfluous_fields_the_first_by_name_is_told() -> None:
    assert request_fault("Heartbeat", {"c": 1, "a": 1, "b": 1})[1] == "/a: no such field here"


@settings(few_examples, max_examples=100)
@given(
    name=st.sampled_from(["TransactionEventRequest", "NotifyEVChargingNeedsRequest", "BootNotificationResponse"]),
    data=st.data(),
)
def test_order_of_the_fields_in_a_payload_makes_no_difference(name: str, data: st.DataObject) -> None:
    schema = schema_called(name)
    payload = data.draw(payloads_with_faults(name))
    if schema.referee.is_valid(payload):
        return
    fault, other = fault_in(schema, payload), fault_in(schema, reversed_fields(payload))
    assert (fault.code, fault.description) == (other.code, other.description)


def reversed_fields(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_fields(child) for key, child in reversed(value.items())}
    return [reversed_fields(child) for child in value] if isinstance(value, list) else value


# --- the description -------------------------------------------------------------------------------------------------


def test_pointer_is_escaped_as_rfc_6901_has_it() -> None:
    assert request_fault("Heartbeat", {"a/b~c": 1})[1] == "/a~1b~0c: no such field here"


def test_name_of_a_field_cannot_forge_a_line_in_a_log() -> None:
    assert request_fault("Heartbeat", {"a\nINFO:root:\u202e": 1})[1] == r"/a\u000aINFO:root:\u202e: no such field here"


def test_long_pointer_keeps_both_ends() -> None:
    payload = BOOT | {"chargingStation": {"model": "m", "vendorName": "v", "x" * 5000 + "end": 1}}
    description = request_fault("BootNotification", payload)[1]
    assert description.startswith("/chargingStation/xxx")
    assert description.endswith("xxxend: no such field here")
    assert len(description) < MAX_DESCRIPTION_LENGTH


def test_long_enumeration_ends_after_a_whole_value() -> None:
    description = request_fault("TransactionEvent", EVENT | {"triggerReason": "x"})[1]
    assert description.startswith("/triggerReason: must be one of Authorized, CablePluggedIn, ")
    assert description.endswith(", ...")
    assert MAX_DESCRIPTION_LENGTH - 30 < len(description) <= MAX_DESCRIPTION_LENGTH


def test_long_pointer_and_long_enumeration_leave_each_other_room() -> None:
    name = "n" * 1000
    schema = schema_of({"properties": {name: {"enum": [f"value{number}" for number in range(40)]}}})
    description = fault_in(schema, {name: "x"}).description
    assert description.startswith("/nnn")
    assert "nnn: must be one of value0, value1, " in description
    assert description.endswith(", ...")


def test_single_overlong_expectation_is_cut() -> None:
    description = fault_in(schema_of({"properties": {"x": {"const": "v" * 1000}}}), {"x": 1}).description
    assert description == f"/x: must be {'v' * (MAX_DESCRIPTION_LENGTH - 15)}..."


SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("BootNotification", BOOT | {"reason": SECRET}),
        ("BootNotification", BOOT | {"chargingStation": SECRET}),
        ("BootNotification", BOOT | {"x": SECRET}),
        ("BootNotification", {"reason": SECRET}),
        ("Authorize", {"idToken": {"idToken": SECRET * 10, "type": "Local"}}),
        ("TransactionEvent", EVENT | {"timestamp": SECRET}),
        ("TransactionEvent", EVENT | {"meterValue": [SECRET] * 5000}),
    ],
)
def test_received_values_are_never_repeated(action: str, payload: dict[str, Any]) -> None:
    with pytest.raises(PeerError) as caught:
        SCHEMAS.validate_request(action, payload)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.details)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# --- the referee -----------------------------------------------------------------------------------------------------


class _Refuses:
    """A compiled validator that is wrong."""

    def is_valid(self, _: object) -> bool:
        return False


def test_referee_wins_when_the_compiled_validator_wrongly_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ocppj.schemas.jsonschema_rs.validator_for", lambda *_, **__: _Refuses())
    schema = schema_of({"properties": {"x": {"type": "null"}}})
    schema.validate({"x": None})
    assert fault_in(schema, {"x": 1}).description == "/x: must be of type null"


def test_referee_is_made_when_it_is_needed_first() -> None:
    schema = schema_of({"required": ["x"]})
    schema.validate({"x": 1})
    assert "referee" not in vars(schema)
    fault_in(schema, {})
    assert "referee" in vars(schema)


@pytest.mark.parametrize(
    ("payload", "error", "description"),
    [
        (EVENT | {"meterValue": [0] * 5000}, TypeConstraintViolation, "/meterValue/0: must be of type object"),
        (EVENT | {"meterValue": EVENT["meterValue"] * 500, "x": 1}, FormatViolation, "/x: no such field here"),
        (
            {**EVENT, "meterValue": EVENT["meterValue"] * 500 + [{"timestamp": NOW}]},
            OccurrenceConstraintViolation,
            "/meterValue/500/sampledValue: required, but missing",
        ),
        (
            {**EVENT, "meterValue": EVENT["meterValue"] * 500, "evse": {"id": "1"}},
            TypeConstraintViolation,
            "/evse/id: must be of type integer",
        ),
        (
            {**EVENT, "meterValue": EVENT["meterValue"] * 500, "eventType": "x"},
            PropertyConstraintViolation,
            "/eventType: must be one of Ended, Started, Updated",
        ),
    ],
)
def test_payload_too_large_for_the_referee_is_explained_all_the_same(
    payload: dict[str, Any], error: type[PeerError], description: str
) -> None:
    schema = Schema(orjson.dumps(document_of(SCHEMAS.requests["TransactionEvent"])))
    fault = fault_in(schema, payload)
    assert (type(fault), fault.description) == (error, description)
    assert "referee" not in vars(schema)


@pytest.mark.parametrize("depth", [90, 101, 254, 1020, 100_000])
def test_depth_of_nesting_does_no_harm(depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = [nested]
    SCHEMAS.validate_request("BootNotification", BOOT | {"customData": {"vendorId": "x", "any": nested}})
    fault = fault_in(SCHEMAS.requests["BootNotification"], BOOT | {"reason": nested})
    assert isinstance(fault, TypeConstraintViolation | FormatViolation)


# --- loading ---------------------------------------------------------------------------------------------------------


def test_every_action_has_its_two_schemas() -> None:
    assert SCHEMAS.requests.keys() == SCHEMAS.responses.keys() == V201.actions


def test_modules_of_the_ocpp_package_are_not_imported() -> None:
    program = (
        "import sys; from shared.ocppj.schemas import Schemas; from shared.ocppj.versions import V201; "
        "Schemas.load(V201); print([name for name in sys.modules if name.split('.')[0] == 'ocpp'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_request_schemas_without_the_suffix_are_found_too() -> None:
    schemas = Schemas.load(Version("ocpp1.6", "v16", frozenset({"Heartbeat"}), frozenset({"ReserveNow"})))
    schemas.validate_request("Heartbeat", {})
    with pytest.raises(OccurrenceConstraintViolation, match=r"^/idTag: required, but missing$"):
        schemas.validate_request("ReserveNow", {"connectorId": 1, "expiryDate": NOW, "reservationId": 1})


def test_missing_package_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ocppj.schemas.importlib.util.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match=r"schemas of ocpp2.0.1 .* package 'ocpp', which is not installed"):
        Schemas.load(V201)


def test_package_without_this_version_is_told() -> None:
    with pytest.raises(FileNotFoundError, match=r"schemas of ocpp9 .* does not have them here"):
        Schemas.load(Version("ocpp9", "v9", frozenset(), frozenset()))


def test_missing_file_is_told_by_its_path() -> None:
    with pytest.raises(FileNotFoundError, match=r"A schema of ocpp2.0.1 is missing: .*v201.*FlyRequest.json"):
        Schemas.load(Version("ocpp2.0.1", "v201", frozenset({"Fly"}), frozenset()))
