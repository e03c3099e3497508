"""OCPP-J's messages are read and written as Part 4 §4.2 has them; whatever else arrives is refused by its rule."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ocppj.errors import (
    MAX_DESCRIPTION_LENGTH,
    FormatViolation,
    InternalError,
    MessageTypeNotSupported,
    PeerError,
    RpcFrameworkError,
)
from shared.ocppj.frames import MAX_DEPTH, Call, CallError, CallResult, UnreadableAnswer, parse
from tests.shared.ocppj.strategies import json_values, near_frames

LONGEST_ID = "i" * 36


def refused(text: str) -> PeerError:
    with pytest.raises(PeerError) as caught:
        parse(text)
    return caught.value


def unreadable(text: str) -> UnreadableAnswer:
    with pytest.raises(UnreadableAnswer) as caught:
        parse(text)
    return caught.value


def nested(levels: int, *, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + closing * levels


# --- the examples of Part 4 §4.2 -------------------------------------------------------------------------------------


def test_call() -> None:
    text = """[ 2, "19223201", "BootNotification",
        {"reason": "PowerUp", "chargingStation": {"model": "SingleSocketCharger", "vendorName": "VendorX"}} ]"""
    payload = {"reason": "PowerUp", "chargingStation": {"model": "SingleSocketCharger", "vendorName": "VendorX"}}
    assert parse(text) == Call("19223201", "BootNotification", payload)


def test_call_result() -> None:
    text = '[3, "19223201", {"currentTime": "2013-02-01T20:53:32.486Z", "interval": 300, "status": "Accepted"}]'
    payload = {"currentTime": "2013-02-01T20:53:32.486Z", "interval": 300, "status": "Accepted"}
    assert parse(text) == CallResult("19223201", payload)


def test_call_error() -> None:
    text = '[4, "162376037", "NotSupported", "SetDisplayMessageRequest not implemented", {}]'
    assert parse(text) == CallError("162376037", "NotSupported", "SetDisplayMessageRequest not implemented", {})


def test_messages_are_written_without_spaces_in_the_order_of_the_specification() -> None:
    assert Call("1", "Heartbeat", {}).to_text() == '[2,"1","Heartbeat",{}]'
    assert CallResult("1", {"a": [1.5, None]}).to_text() == '[3,"1",{"a":[1.5,null]}]'
    assert CallError("1", "NotSupported", "no", {"a": 1}).to_text() == '[4,"1","NotSupported","no",{"a":1}]'


def test_text_that_is_not_ascii_goes_as_utf_8() -> None:
    """Part 4 §4.1.2."""
    assert Call("1", "DataTransfer", {"data": "Ladesäule \N{ELECTRIC PLUG}"}).to_text() == (
        '[2,"1","DataTransfer",{"data":"Ladesäule \N{ELECTRIC PLUG}"}]'
    )


def test_error_becomes_a_call_error_with_its_code() -> None:
    error = InternalError("no disk", {"free": 0})
    assert CallError.of(error, "7") == CallError("7", "InternalError", "no disk", {"free": 0})


def test_call_error_without_description_and_details_has_them_empty() -> None:
    """Part 4 §4.2.3, table 7: otherwise an empty string; you MUST fill in an empty object."""
    assert CallError.of(InternalError(), "7").to_text() == '[4,"7","InternalError","",{}]'


def test_description_has_at_most_255_characters() -> None:
    """Part 4 §4.2.3, table 7."""
    written = CallError.of(InternalError("x" * 300), "7")
    assert written.description == "x" * MAX_DESCRIPTION_LENGTH
    received = parse(f'[4,"7","InternalError","{"x" * 300}",{{}}]')
    assert isinstance(received, CallError)
    assert received.description == "x" * MAX_DESCRIPTION_LENGTH


# --- what cannot be read is answered with "-1" (Part 4 §4.2.3) -------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("hello", id="no JSON"),
        pytest.param('[2,"1","Heartbeat",{}', id="cut off"),
        pytest.param('[2,"1","Heartbeat",{}]]', id="too long"),
        pytest.param('[2,"1","Heartbeat",{"a":NaN}]', id="NaN"),
        pytest.param('[2,"1","Heartbeat",{"a":1e999}]', id="infinite"),
        pytest.param(r'[2,"1","Heartbeat",{"a":"\ud800"}]', id="lone surrogate, escaped"),
        pytest.param('[2,"1","Heartbeat",{"a":"\ud800"}]', id="lone surrogate"),
        pytest.param("[2,'1','Heartbeat',{}]", id="single quotes"),
        pytest.param('\ufeff[2,"1","Heartbeat",{}]', id="byte order mark"),
        pytest.param(f'[2,"1","Heartbeat",{nested(2000)}]', id="nested deeper than the JSON reader goes"),
        pytest.param("{}", id="object"),
        pytest.param('"[2]"', id="string"),
        pytest.param("2", id="number"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="nothing in it"),
    ],
)
def test_what_is_no_json_array_is_an_rpc_framework_error(text: str) -> None:
    error = refused(text)
    assert (type(error), error.message_id) == (RpcFrameworkError, "-1")


@pytest.mark.parametrize(
    "message_id",
    [
        pytest.param(None, id="null"),
        pytest.param(19223201, id="number"),
        pytest.param({}, id="object"),
        pytest.param("", id="empty"),
        pytest.param("-1", id="what stands for an unreadable id"),
        pytest.param("i" * 37, id="37 characters"),
    ],
)
def test_call_without_readable_id_is_an_rpc_framework_error(message_id: Any) -> None:
    error = refused(json.dumps([2, message_id, "Heartbeat", {}]))
    assert (type(error), error.message_id) == (RpcFrameworkError, "-1")
    assert "messageId" in error.description


@pytest.mark.parametrize("message_id", ["1", LONGEST_ID, "\N{ELECTRIC PLUG}" * 36, " "])
def test_id_has_up_to_36_characters(message_id: str) -> None:
    """Part 4 §4.1.4, table 4."""
    assert parse(json.dumps([2, message_id, "Heartbeat", {}])) == Call(message_id, "Heartbeat", {})


# --- what is wrong with a CALL whose id is known ---------------------------------------------------------------------


@pytest.mark.parametrize("elements", [[], ["Heartbeat"], ["Heartbeat", {}, {}]])
def test_call_has_four_elements(elements: list[Any]) -> None:
    """Part 4 §4.2.1."""
    error = refused(json.dumps([2, LONGEST_ID, *elements]))
    assert (type(error), error.message_id) == (RpcFrameworkError, LONGEST_ID)
    assert f"this one has {2 + len(elements)}" in error.description


@pytest.mark.parametrize("action", [None, 1, True, [], {}])
def test_action_is_a_string(action: Any) -> None:
    error = refused(json.dumps([2, "1", action, {}]))
    assert (type(error), error.message_id) == (RpcFrameworkError, "1")


@pytest.mark.parametrize("payload", [[], "", "{}", 0, 1.5, True, False])
def test_payload_is_an_object(payload: Any) -> None:
    error = refused(json.dumps([2, "1", "Heartbeat", payload]))
    assert (type(error), error.message_id) == (FormatViolation, "1")


def test_null_says_as_an_empty_object_does_that_there_is_no_payload() -> None:
    """Part 4 §4.1.5."""
    assert parse('[2,"1","Heartbeat",null]') == Call("1", "Heartbeat", {})
    assert parse('[3,"1",null]') == CallResult("1", {})


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":[', "]}")])
@pytest.mark.parametrize("head", ['[2,"1","DataTransfer",{"data":', '[3,"1",{"data":', '[4,"1","a","b",{"data":'])
def test_message_that_could_not_be_written_again_is_not_read(head: str, opening: str, closing: str) -> None:
    """orjson reads deeper than it writes; and whatever walks through a payload may be sure of an end."""
    levels = (MAX_DEPTH - 2) // (opening.count("[") + opening.count("{"))
    allowed = head + nested(levels, opening=opening, closing=closing) + "}]"
    assert parse(parse(allowed).to_text()) == parse(allowed)
    too_deep = head + nested(levels + 1, opening=opening, closing=closing) + "}]"
    error = refused(too_deep) if head.startswith("[2") else unreadable(too_deep)
    assert isinstance(error, FormatViolation | UnreadableAnswer)
    assert str(error) == "The message is nested more than 100 levels deep"
    assert error.message_id == "1"


def test_wide_message_is_not_taken_for_a_deep_one() -> None:
    payload: dict[str, Any] = {"data": [{"a": []}] * 1000}
    assert parse(Call("1", "DataTransfer", payload).to_text()) == Call("1", "DataTransfer", payload)


# --- message types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message_type", [0, 1, 5, 6, -2, 2.5, "2", None, True, False, [], {}])
def test_unknown_message_type_is_answered_message_type_not_supported(message_type: Any) -> None:
    """Part 4 §4.4, with the spelling of §4.3."""
    error = refused(json.dumps([message_type, "1", "Heartbeat", {}]))
    assert (type(error), error.message_id) == (MessageTypeNotSupported, "1")
    assert error.code == "MessageTypeNotSupported"


def test_unknown_message_type_without_readable_id() -> None:
    assert refused("[7]").message_id == "-1"
    assert refused("[7, 5]").message_id == "-1"


# --- answers that are malformed: an answer is never answered ---------------------------------------------------------


@pytest.mark.parametrize("elements", [[], [{}, {}], [[]], ["Accepted"], [0]])
def test_call_result_has_three_elements_and_an_object_in_the_third(elements: list[Any]) -> None:
    """Part 4 §4.2.2."""
    assert unreadable(json.dumps([3, "1", *elements])).message_id == "1"


@pytest.mark.parametrize("elements", [[], [5, "", {}], ["NotSupported", 5, {}], ["NotSupported", "", {}, {}]])
def test_call_error_has_five_elements(elements: list[Any]) -> None:
    """Part 4 §4.2.3."""
    assert unreadable(json.dumps([4, "1", *elements])).message_id == "1"


@pytest.mark.parametrize("elements", [["NotSupported"], ["NotSupported", ""], ["NotSupported", "", None]])
def test_call_error_may_lack_what_says_nothing(elements: list[Any]) -> None:
    """Lenient: that the CALL failed, and why, is known all the same."""
    assert parse(json.dumps([4, "1", *elements])) == CallError("1", "NotSupported", "", {})


@pytest.mark.parametrize("message_id", [None, 5, "", "i" * 37])
def test_answer_without_readable_id_answers_nothing(message_id: Any) -> None:
    assert unreadable(json.dumps([3, message_id, {}])).message_id == "-1"
    assert unreadable(json.dumps([4, message_id, "GenericError", "", {}])).message_id == "-1"


def test_only_a_call_error_may_say_that_our_id_was_unreadable() -> None:
    """Part 4 §4.2.3: when the message id cannot be read, the CALLERROR SHALL contain "-1"."""
    assert parse('[4,"-1","RpcFrameworkError","",{}]') == CallError("-1", "RpcFrameworkError", "", {})
    assert unreadable('[3,"-1",{}]').message_id == "-1"


# --- whatever arrives ------------------------------------------------------------------------------------------------

_ANY_TEXT = st.text() | st.text(st.characters(categories=["Cs", "Lu", "Nd"])) | st.text(alphabet='[]{},:"23456-1\\un')
_ANY_JSON = json_values(max_leaves=20).map(json.dumps)


def heard(text: str) -> Call | CallResult | CallError | None:
    """What one end makes of a text: the message, or the CALLERROR it answers, or nothing for a malformed answer."""
    try:
        return parse(text)
    except PeerError as error:
        return CallError.of(error, error.message_id)
    except UnreadableAnswer:
        return None


@settings(max_examples=1500, deadline=None)
@given(_ANY_TEXT | _ANY_JSON | near_frames() | near_frames())
def test_no_input_makes_parse_raise_anything_but_its_own_errors(text: str) -> None:
    message = heard(text)
    if message is not None:
        assert parse(message.to_text()) == message


_IDS = st.text(min_size=1, max_size=36).filter(lambda message_id: message_id != "-1")
_PAYLOADS = st.dictionaries(st.text(max_size=10), json_values(), max_size=4)
_DESCRIPTIONS = st.text(max_size=MAX_DESCRIPTION_LENGTH)
_MESSAGES = st.one_of(
    st.builds(Call, _IDS, st.text(max_size=40), _PAYLOADS),
    st.builds(CallResult, _IDS, _PAYLOADS),
    st.builds(CallError, _IDS | st.just("-1"), st.text(max_size=40), _DESCRIPTIONS, _PAYLOADS),
)


@settings(max_examples=500, deadline=None)
@given(_MESSAGES)
def test_what_is_written_is_read_back_the_same(message: Call | CallResult | CallError) -> None:
    assert parse(message.to_text()) == message


@settings(max_examples=200, deadline=None)
@given(_MESSAGES)
def test_what_is_written_is_json_for_any_reader(message: Call | CallResult | CallError) -> None:
    text = message.to_text()
    assert json.loads(text) == orjson.loads(text)
