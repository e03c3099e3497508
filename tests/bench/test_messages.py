"""The benchmark's CALLs: valid OCPP 2.0.1, and new each time."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench.messages import FIRST_NUMBER, LAST_NUMBER, Action, identity, template
from bench.websocket import TEXT, client_header

ALL = pytest.mark.parametrize("action", Action)


def text_of(frame: bytes) -> bytes:
    """The payload of a client frame, whose header is right: it says so long as the rest is, with a key of zeros."""
    for header in (6, 8, 14):
        if frame[:header] == client_header(TEXT, len(frame) - header):
            return frame[header:]
    pytest.fail("no header of a client frame with the right length")


def call(action: Action, station: int, number: int) -> list[Any]:
    message = json.loads(text_of(template(action, station).frame(number)))
    assert isinstance(message, list)
    return message


def official_schema(action: Action) -> dict[str, Any]:
    package = importlib.util.find_spec("ocpp")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "v201" / "schemas" / f"{action.value}Request.json"
    schema = json.loads(path.read_text("utf-8-sig"))
    assert isinstance(schema, dict)
    return schema


@ALL
@pytest.mark.parametrize("number", [FIRST_NUMBER, LAST_NUMBER])
def test_every_call_is_valid_against_the_official_schema(action: Action, number: int) -> None:
    kind, message_id, name, payload = call(action, 4999, number)
    assert (kind, name) == (2, action.value)
    assert len(message_id) == 36
    jsonschema.validate(payload, official_schema(action), format_checker=jsonschema.FormatChecker())


@ALL
def test_message_ids_differ_between_messages_and_between_stations(action: Action) -> None:
    ids = {call(action, station, FIRST_NUMBER + n)[1] for station in range(20) for n in range(20)}
    assert len(ids) == 400


@ALL
def test_the_expected_answer_is_the_one_to_this_message_id(action: Action) -> None:
    message_id = call(action, 7, FIRST_NUMBER + 5)[1]
    answer = json.dumps([3, message_id, {}], separators=(",", ":")).encode()
    assert answer.startswith(template(action, 7).answer_start + b"%d" % (FIRST_NUMBER + 5) + b'",')


def test_a_transaction_event_has_800_bytes_and_counts_its_seq_no() -> None:
    frame = template(Action.TRANSACTION_EVENT, 1).frame(FIRST_NUMBER)
    assert 780 <= len(text_of(frame)) <= 820
    assert call(Action.TRANSACTION_EVENT, 1, FIRST_NUMBER + 1)[3]["seqNo"] == FIRST_NUMBER + 1


def test_stations_differ_in_identity_and_transaction() -> None:
    assert len({identity(index) for index in range(100)}) == 100
    transactions = {
        call(Action.TRANSACTION_EVENT, index, FIRST_NUMBER)[3]["transactionInfo"]["transactionId"]
        for index in range(100)
    }
    assert len(transactions) == 100
