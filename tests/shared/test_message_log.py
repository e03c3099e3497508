"""The log of messages that people watch: every message, one line each, without secrets."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.message_log import MessageLog
from shared.ocppj.frames import Call, CallError, CallResult

SECRET = "correct horse battery staple"
PASSWORD = {
    "attributeValue": SECRET,
    "component": {"name": "SecurityCtrlr"},
    "variable": {"name": "basicAuthPassword"},
}
HIDDEN = PASSWORD | {"attributeValue": "***"}


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> MessageLog:
    caplog.set_level(logging.INFO)
    return MessageLog("CP_1")


def received(messages: MessageLog, message: Call | CallResult | CallError) -> None:
    messages.received(message.to_text(), message)


def test_a_message_is_shown_as_it_came(messages: MessageLog, caplog: pytest.LogCaptureFixture) -> None:
    text = '[2, "1",  "Heartbeat", {}]'
    messages.received(text, Call("1", "Heartbeat", {}))
    messages.sent('[3,"1",{}]', CallResult("1", {}))
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ocpp", "INFO", f"CP_1: receive message {text}"),
        ("ocpp", "INFO", 'CP_1: send [3,"1",{}]'),
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            Call("1", "SetVariables", {"setVariableData": [PASSWORD]}),
            [2, "1", "SetVariables", {"setVariableData": [HIDDEN]}],
        ),
        (
            CallResult("1", {"getVariableResult": [PASSWORD]}),
            [3, "1", {"getVariableResult": [HIDDEN]}],
        ),
        (
            Call("1", "SetNetworkProfile", {"connectionData": {"vpn": {"password": SECRET, "key": SECRET}}}),
            [2, "1", "SetNetworkProfile", {"connectionData": {"vpn": {"password": "***", "key": "***"}}}],
        ),
        (
            Call("1", "NotifyReport", {"reportData": [{"variable": PASSWORD["variable"], "value": SECRET}]}),
            [2, "1", "NotifyReport", {"reportData": [{"variable": PASSWORD["variable"], "value": "***"}]}],
        ),
    ],
    ids=["SetVariables", "an answer", "SetNetworkProfile", "NotifyReport"],
)
def test_passwords_are_hidden_and_the_rest_is_shown(
    message: Call | CallResult,
    shown: list[Any],
    messages: MessageLog,
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages.sent(message.to_text(), message)
    received(messages, message)
    assert SECRET not in caplog.text
    sent_line, received_line = (record.getMessage() for record in caplog.records)
    assert json.loads(sent_line.removeprefix("CP_1: send ")) == shown
    assert json.loads(received_line.removeprefix("CP_1: receive message ")) == shown


@pytest.mark.parametrize(
    "text",
    [
        f'[2,"1","SetVariables",{{"setVariableData":[{{"attributeValue":"{SECRET}","variable":{{"name":"BASICAUTHPASSWORD"',
        f'[2,"{"x" * 40}","SetNetworkProfile",{{"connectionData":{{"apn":{{"apnPassword":"{SECRET}"}}}}}}]',
        f'[2,"1","SetNetworkProfile",{{"connectionData":{{"vpn":{{"key":"{SECRET}"}}}}}},1]',
        f'[2,"1","SetNetworkProfile",{{"vpn":{{"k\\u0065y":"{SECRET}"}}}},1]',
    ],
    ids=["cut off", "id too long", "too many elements", "escaped"],
)
def test_what_is_no_message_is_not_shown_when_it_may_hold_a_password(
    text: str, messages: MessageLog, caplog: pytest.LogCaptureFixture
) -> None:
    messages.received_unreadable(text)
    assert SECRET not in caplog.text
    assert f"{len(text)} characters" in caplog.text


def test_what_is_no_message_is_shown_in_part(messages: MessageLog, caplog: pytest.LogCaptureFixture) -> None:
    messages.received_unreadable("garbage\n" * 1000)
    line = caplog.records[0].getMessage()
    assert line.startswith("CP_1: receive unreadable message 'garbage\\ngarbage")
    assert len(line) < 800


@given(text=st.text(alphabet=st.characters(categories=["Cc", "Zl", "Zp", "Cf", "Lu", "Zs"]), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_message_is_one_line_whatever_is_in_it(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """A JSON string may hold characters that forge a line, or steer a terminal."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    messages = MessageLog("CP_1")
    messages.received(f'[2,"1",\r\n"DataTransfer",{{"vendorId":"{text}"}}]', Call("1", "DataTransfer", {}))
    messages.received_unreadable(text)
    for record in caplog.records:
        assert record.getMessage().isprintable()


def test_nothing_is_written_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    messages = MessageLog("CP_1")
    call = Call("1", "Heartbeat", {})
    messages.sent(call.to_text(), call)
    received(messages, call)
    messages.received_unreadable("garbage")
    assert not caplog.records
