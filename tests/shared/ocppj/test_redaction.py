"""No password and no private key gets into a log, whichever message carries it, and nothing else is taken out."""

from __future__ import annotations

import copy
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ocppj.redaction import REDACTED, find_secrets, may_hold_secrets, redact, redact_text, redact_unreadable

SECRET = "Pa55-w0rd:of@mine"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI\n-----END EC PRIVATE KEY-----\n"

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


def variable(name: str, component: str = "SecurityCtrlr") -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": name}}


MESSAGES: dict[str, dict[str, Any]] = {
    "SetVariables of BasicAuthPassword (A00.FR.205)": {
        "setVariableData": [variable("BasicAuthPassword") | {"attributeValue": SECRET}]
    },
    "SetVariables, written otherwise: names are case-insensitive": {
        "setVariableData": [variable("BASICAUTHPASSWORD", "securityctrlr") | {"attributeValue": SECRET}]
    },
    "SetVariables of a vendor's": {
        "setVariableData": [variable("WifiPassphrase", "Wifi") | {"attributeValue": SECRET}]
    },
    "GetVariables, the answer": {
        "getVariableResult": [variable("BasicAuthPassword") | {"attributeStatus": "Accepted", "attributeValue": SECRET}]
    },
    "NotifyReport": {
        "reportData": [variable("BasicAuthPassword") | {"variableAttribute": [{"type": "Actual", "value": SECRET}]}]
    },
    "NotifyEvent": {"eventData": [variable("BasicAuthPassword") | {"actualValue": SECRET}]},
    "SetNetworkProfile, APN": {"connectionData": {"apn": {"apn": "internet", "apnPassword": SECRET}}},
    "SetNetworkProfile, VPN password": {"connectionData": {"vpn": {"user": "me", "password": SECRET, "type": "IPSec"}}},
    "SetNetworkProfile, VPN key": {"connectionData": {"vpn": {"user": "me", "key": SECRET}}},
    "SetNetworkProfile, PIN of the SIM card": {"connectionData": {"apn": {"simPin": SECRET}}},
    "SetNetworkProfile, URL": {"connectionData": {"ocppCsmsUrl": f"wss://me:{SECRET}@csms.example/ocpp"}},
    "GetLog": {"log": {"remoteLocation": f"ftp://me:{SECRET}@files.example/logs"}},
    "DataTransfer of a key without a value": {"vendorId": "x", "data": {"key": SECRET}},
    "UpdateFirmware": {"firmware": {"location": f"https://me:{SECRET}@files.example/fw.bin"}},
    "a URL with a password in its query": {"location": f"https://files.example/fw?user=me&password={SECRET}"},
    "Authorize with a PIN (C04)": {"idToken": {"idToken": SECRET, "type": "KeyCode"}},
    "Get15118EVCertificate, the answer": {"status": "Accepted", "exiResponse": SECRET},
    "InstallCertificate with a key that does not belong there": {"certificate": f"{PEM}".replace("MHcCAQEEI", SECRET)},
    "DataTransfer of an object": {"vendorId": "x", "data": {"wifi": {"ssid": "a", "psk_secret": SECRET}}},
    "DataTransfer of JSON in a text": {"vendorId": "x", "data": orjson.dumps({"Password": SECRET}).decode()},
    "DataTransfer of JSON in JSON": {
        "vendorId": "x",
        "data": orjson.dumps({"a": orjson.dumps({"apiKey": SECRET}).decode()}).decode(),
    },
    "DataTransfer of something like it": {"vendorId": "x", "data": f"ssid=home password='{SECRET}'"},
    "customData": {"customData": {"vendorId": "x", "private_key": SECRET}},
}


@pytest.mark.parametrize("payload", MESSAGES.values(), ids=MESSAGES)
def test_a_secret_is_taken_out(payload: dict[str, Any]) -> None:
    before = copy.deepcopy(payload)
    text = orjson.dumps(payload).decode()
    assert may_hold_secrets(text)
    redacted = orjson.dumps(redact(payload)).decode()
    assert SECRET not in redacted
    assert REDACTED in redacted
    assert payload == before, "the message itself stays as it is"


@pytest.mark.parametrize("payload", MESSAGES.values(), ids=MESSAGES)
def test_a_secret_is_taken_out_of_a_message_that_breaks_off(payload: dict[str, Any]) -> None:
    text = orjson.dumps([2, "1", "X", payload]).decode()
    assert SECRET not in redact_unreadable(text[:-2])


@pytest.mark.parametrize(
    "action", ["SetVariables", "GetVariables", "SetNetworkProfile", "NotifyReport", "NotifyEvent", "setvariables"]
)
def test_a_message_that_breaks_off_before_it_tells_what_its_secret_is_is_not_shown(action: str) -> None:
    text = f'[2,"1","{action}",{{"setVariableData":[{{"attributeValue":"{SECRET}","component":'
    assert SECRET not in redact_unreadable(text)


@pytest.mark.parametrize("text", [r'{"location":"ftp:\/\/me:%s@files.example\/fw"}', r'{"passwor\u0064":"%s"}'])
def test_a_secret_is_seen_however_json_writes_it(text: str) -> None:
    text %= SECRET
    assert may_hold_secrets(text)
    assert SECRET not in orjson.dumps(redact(orjson.loads(text))).decode()


def test_a_message_that_breaks_off_and_holds_none_is_shown() -> None:
    assert redact_unreadable('[2,"1","Heartbeat",') == '[2,"1","Heartbeat",'


def test_what_stands_beside_a_secret_stays() -> None:
    request = {
        "setVariableData": [
            variable("BasicAuthPassword") | {"attributeValue": SECRET},
            variable("HeartbeatInterval", "OCPPCommCtrlr") | {"attributeValue": "300"},
        ]
    }
    redacted = redact(request)
    assert redacted["setVariableData"][0] == variable("BasicAuthPassword") | {"attributeValue": REDACTED}
    assert redacted["setVariableData"][1] == request["setVariableData"][1]
    assert redact({"log": {"remoteLocation": "ftp://me:x@files.example/logs"}}) == {
        "log": {"remoteLocation": "ftp://***@files.example/logs"}
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}, "certificate": "-----BEGIN CERTIFICATE-----\nx"},
        {"certificateChain": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"},
        {"vendorId": "x", "data": {"key": "HeartbeatInterval", "value": "300"}},
        {"ocppCsmsUrl": "wss://csms.example:443/ocpp", "messageTimeout": 30},
        {"techInfo": "me@example.com called", "timestamp": "2026-11-22T03:52:53.938Z"},
    ],
)
def test_what_is_no_secret_stays(payload: dict[str, Any]) -> None:
    assert redact(payload) == payload


def test_a_secret_is_found_to_be_looked_for_elsewhere() -> None:
    request = MESSAGES["SetVariables of BasicAuthPassword (A00.FR.205)"]
    assert find_secrets(request) == [SECRET]
    assert find_secrets({"idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}}) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["a", "password", "vpn", "key", "variable"]), inner)
        ),
    )
)
def test_any_json_can_be_redacted(value: Any) -> None:
    once = redact(value)
    assert redact(once) == once


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    redact_text(text)


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


@pytest.mark.parametrize(
    "name",
    ["passwd", "passPhrase", "PASSCODE", "aSecret", "privateKey", "private_key", "apiKey", "api_key", "api-key",
     "simPin", "sim_pin", "sim-pin", "exiResponse"],
)  # fmt: skip
def test_a_name_of_a_secret_is_noticed_however_it_is_spelt(name: str) -> None:
    assert may_hold_secrets(orjson.dumps({name: "x"}).decode())
    assert orjson.dumps(redact({name: SECRET})) == orjson.dumps({name: REDACTED})


@pytest.mark.parametrize("text", ['{"unit":"kWh"}', '{"status":"rapid"}', '{"a":"similar, passing, exit"}'])
def test_what_only_looks_like_a_secret_at_first_is_none(text: str) -> None:
    assert not may_hold_secrets(text)
