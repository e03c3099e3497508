"""What a payload looks like in a log: the same, without passwords and keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ocppj.redaction import REDACTED, redact

SECRET = "correct horse battery staple"

secret_names = st.sampled_from(["BasicAuthPassword", "basicauthpassword", "BASICAUTHPASSWORD", "BasicAuthPASSWORD"])
# No field of any name that hides one, and no variable's.
harmless = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["variable", "name", "attributeValue", "value", "component"]), inner)
    ),
    max_leaves=10,
)


def set_variable(name: str, value: str) -> dict[str, Any]:
    return {
        "attributeType": "Actual",
        "attributeValue": value,
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": name},
    }


def test_only_the_password_is_replaced() -> None:
    payload = {"setVariableData": [set_variable("BasicAuthPassword", SECRET), set_variable("Identity", "CP_1")]}
    assert redact(payload) == {
        "setVariableData": [set_variable("BasicAuthPassword", REDACTED), set_variable("Identity", "CP_1")]
    }


@given(name=secret_names, instance=st.none() | st.text())
def test_a_variable_is_known_in_any_case_of_letters_and_any_instance(name: str, instance: str | None) -> None:
    data = set_variable(name, SECRET)
    if instance is not None:
        data["variable"]["instance"] = instance
    assert SECRET not in str(redact({"setVariableData": [data]}))


def test_a_password_that_a_station_gives_away_is_replaced() -> None:
    result = set_variable("BasicAuthPassword", SECRET) | {"attributeStatus": "Accepted"}
    assert redact({"getVariableResult": [result]})["getVariableResult"][0]["attributeValue"] == REDACTED


def test_a_password_in_a_report_is_replaced() -> None:
    attributes = [{"type": "Actual", "value": SECRET, "mutability": "WriteOnly"}, {"type": "Target", "value": SECRET}]
    reported = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "variableAttribute": attributes,
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False},
    }
    redacted = redact({"requestId": 1, "reportData": [reported]})
    assert SECRET not in str(redacted)
    assert redacted["reportData"][0]["variableAttribute"][0]["mutability"] == "WriteOnly"
    assert redacted["reportData"][0]["variableCharacteristics"] == reported["variableCharacteristics"]


def test_a_password_in_an_event_is_replaced() -> None:
    event = {"eventId": 1, "actualValue": SECRET, "variable": {"name": "BasicAuthPassword"}}
    assert redact({"eventData": [event]}) == {"eventData": [event | {"actualValue": REDACTED}]}


def test_the_secrets_of_a_network_profile_are_replaced_and_nothing_else() -> None:
    apn = {"apn": "internet", "apnUserName": "user", "apnAuthentication": "PAP", "preferredNetwork": "26201"}
    vpn = {"server": "vpn.example", "user": "user", "group": "group", "type": "IKEv2"}
    profile = {"ocppCsmsUrl": "wss://csms.example", "messageTimeout": 30, "securityProfile": 1}
    secrets = {"apnPassword": SECRET, "simPin": 1234}
    payload = {
        "configurationSlot": 1,
        "connectionData": profile | {"apn": apn | secrets, "vpn": vpn | {"password": SECRET, "key": SECRET}},
    }
    hidden = {"apnPassword": REDACTED, "simPin": REDACTED}
    assert redact(payload) == {
        "configurationSlot": 1,
        "connectionData": profile | {"apn": apn | hidden, "vpn": vpn | {"password": REDACTED, "key": REDACTED}},
    }


def test_the_payload_itself_stays_as_it_is() -> None:
    payload = {"setVariableData": [set_variable("BasicAuthPassword", SECRET)]}
    before = json.dumps(payload)
    redact(payload)
    assert json.dumps(payload) == before


@given(harmless)
def test_what_holds_no_secret_is_not_changed(value: Any) -> None:
    assert redact(value) == value


@given(name=secret_names, around=harmless, value=harmless)
def test_a_password_is_replaced_whatever_it_is_and_wherever_it_stands(name: str, around: Any, value: Any) -> None:
    payload = {"around": around, "deep": [[around, {"variable": {"name": name}, "attributeValue": value}]]}
    assert redact(payload) == payload | {"deep": [[around, {"variable": {"name": name}, "attributeValue": REDACTED}]]}


@pytest.mark.parametrize("variable", [None, "BasicAuthPassword", ["BasicAuthPassword"], {"name": None}, {}])
def test_a_variable_that_is_none_hides_nothing(variable: Any) -> None:
    payload = {"variable": variable, "attributeValue": "open"}
    assert redact(payload) == payload


def test_the_deepest_payload_that_is_read_can_be_redacted() -> None:
    payload: Any = {}
    for _ in range(100):
        payload = {"a": [payload]}
    assert redact(payload) == payload
