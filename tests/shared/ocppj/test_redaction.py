"""No password and no private key gets into a log, whichever message carries it, and nothing else is taken out."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ocppj.redaction import REDACTED, find_secrets, may_hold_secrets, redact, redact_text, redact_unreadable

SECRET = "Pa55-w0rd:of@mine"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI\n-----END EC PRIVATE KEY-----\n"


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
    "SetNetworkProfile, URL": {"connectionData": {"ocppCsmsUrl": f"wss://me:{SECRET}@csms.example/ocpp"}},
    "GetLog": {"log": {"remoteLocation": f"ftp://me:{SECRET}@files.example/logs"}},
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
