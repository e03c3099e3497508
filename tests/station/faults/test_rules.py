"""What can be written in a rule, and which messages it is about."""

from __future__ import annotations

from typing import Any

import pytest

from station.faults.rules import Message, Reader, Rule, read_rule
from station.fields import Invalid

HEARTBEAT = '[2,"1","Heartbeat",{}]'
RESERVE_NOW = '[2,"1","ReserveNow",{}]'
RESULT = '[3,"1",{}]'


def test_a_rule_says_what_it_does_by_default() -> None:
    assert read_rule({"kind": "delay", "seconds": 3}, "").to_document() == {
        "kind": "delay",
        "probability": 1.0,
        "after": 0,
        "seconds": 3.0,
    }
    refusal = read_rule({"kind": "call-error", "action": "ReserveNow"}, "")
    assert (refusal.direction, refusal.message, refusal.code) == ("received", "call", "InternalError")
    assert read_rule({"kind": "late-answer", "seconds": 1}, "").message == "answer"
    assert read_rule({"kind": "reorder"}, "").seconds == 5


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "drop", "direction": "sent", "message": "call", "action": "Heartbeat", "probability": 0.5, "count": 3},
        {"kind": "refuse", "action": "Reset", "code": "NotSupported", "description": "no"},
        {"kind": "power-cut", "after": 3, "count": 1},
    ],
)
def test_a_rule_can_be_written_down_and_read_again(document: dict[str, Any]) -> None:
    rule = read_rule(document, "")
    assert document.items() <= rule.to_document().items()
    assert read_rule(rule.to_document(), "") == rule


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "/rules/0: expected an object, got a list"),
        ("drop", "/rules/0: expected an object, got 'drop'"),
        (
            {"kind": "dely"},
            (
                "/rules/0/kind: expected one of delay, drop, duplicate, reorder, corrupt, late-answer, call-error, "
                "refuse, half-open, power-cut, got 'dely'"
            ),
        ),
        (
            {"kind": "drop", "action": "Hartbeat"},
            "/rules/0/action: expected the name of an OCPP action, got 'Hartbeat'",
        ),
        ({"kind": "drop", "direction": "up"}, "/rules/0/direction: expected one of sent, received, got 'up'"),
        ({"kind": "drop", "probability": 0}, "/rules/0/probability: expected a number above 0 and up to 1, got 0"),
        ({"kind": "drop", "count": 0}, "/rules/0/count: expected a whole number from 1 on, got 0"),
        ({"kind": "delay"}, "/rules/0/seconds: expected a number above 0 and up to 1000000, but it is missing"),
        (
            {"kind": "drop", "seconds": 1},
            (
                "/rules/0/seconds: there is no such field; there are kind, direction, message, action, probability, "
                "count, after"
            ),
        ),
        ({"kind": "refuse", "direction": "sent"}, "/rules/0/direction: expected one of received, got 'sent'"),
    ],
)
def test_a_mistake_in_a_rule_is_told(document: Any, told: str) -> None:
    with pytest.raises(Invalid) as invalid:
        read_rule(document, "/rules/0")
    assert str(invalid.value) == told


def test_a_kind_must_be_written() -> None:
    with pytest.raises(Invalid, match=r"/kind: expected one of delay, .*, but it is missing"):
        read_rule({}, "")


def test_a_code_is_one_of_part_4_4_3() -> None:
    with pytest.raises(Invalid, match=r"expected one of FormatViolation, GenericError, InternalError, .*, got 'Oops'"):
        read_rule({"kind": "call-error", "code": "Oops"}, "")


def test_an_answer_belongs_to_the_action_of_its_call() -> None:
    reader = Reader()
    assert reader.read("sent", HEARTBEAT) == Message("sent", "call", "Heartbeat", "1")
    assert reader.read("received", RESERVE_NOW) == Message("received", "call", "ReserveNow", "1")
    assert reader.read("received", RESULT) == Message("received", "answer", "Heartbeat", "1")
    assert reader.read("sent", RESULT) == Message("sent", "answer", "ReserveNow", "1")
    assert reader.read("sent", '[3,"2",{}]') == Message("sent", "answer", None, "2")
    assert reader.read("sent", "{") == Message("sent", None, None, None)


def test_only_the_latest_calls_are_remembered() -> None:
    reader = Reader()
    for number in range(100):
        reader.read("sent", f'[2,"{number}","Heartbeat",{{}}]')
    actions = [reader.read("received", f'[3,"{number}",{{}}]').action for number in range(100)]
    assert actions == [None] * 36 + ["Heartbeat"] * 64


@pytest.mark.parametrize(
    ("rule", "strikes"),
    [
        (Rule("drop"), "sent call, received answer, received call, sent answer"),
        (Rule("drop", action="Heartbeat"), "sent call, received answer"),
        (Rule("drop", direction="received"), "received answer, received call"),
        (Rule("drop", message="answer"), "received answer, sent answer"),
        (Rule("drop", direction="sent", message="answer"), "sent answer"),
        (Rule("drop", direction="received", action="Heartbeat"), "received answer"),
    ],
)
def test_a_rule_is_about_the_messages_it_names(rule: Rule, strikes: str) -> None:
    reader = Reader()
    messages = [
        reader.read("sent", HEARTBEAT),
        reader.read("received", RESULT),
        reader.read("received", RESERVE_NOW),
        reader.read("sent", RESULT),
    ]
    assert ", ".join(f"{message.direction} {message.type}" for message in messages if rule.is_about(message)) == strikes
