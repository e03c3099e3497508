"""The transactions whose room is measured: valid, whole, and no two alike."""

import importlib.util
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import charging


def said(index: int, count: int) -> list[tuple[str, bytes]]:
    return list(charging.transactions(index, count))


def payloads(index: int = 7, count: int = 1) -> list[dict[str, Any]]:
    return [json.loads(text)[3] for _, text in said(index, count)]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    package = importlib.util.find_spec("ocpp")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "v201" / "schemas" / "TransactionEventRequest.json"
    found = json.loads(path.read_text("utf-8-sig"))
    assert isinstance(found, dict)
    return found


def test_every_call_is_valid_against_the_official_schema(schema: dict[str, Any]) -> None:
    for message_id, text in said(4999, 2):
        kind, number, action, payload = json.loads(text)
        assert (kind, number, action) == (2, message_id, "TransactionEvent")
        assert len(message_id) == 36
        jsonschema.validate(payload, schema, format_checker=jsonschema.FormatChecker())


def test_a_transaction_is_started_updated_ten_times_and_ended() -> None:
    events = payloads()
    assert [event["eventType"] for event in events] == ["Started", *["Updated"] * 10, "Ended"]
    assert [event["seqNo"] for event in events] == list(range(12))
    assert "idToken" in events[0]
    assert len({event["transactionInfo"]["transactionId"] for event in events}) == 1
    assert all(earlier["timestamp"] < later["timestamp"] for earlier, later in pairwise(events))


def test_each_event_has_five_sampled_values_and_some_900_bytes() -> None:
    for _, text in said(7, 1):
        (meter_value,) = json.loads(text)[3]["meterValue"]
        assert len(meter_value["sampledValue"]) == charging.SAMPLES
        assert 900 <= len(text) <= 1000


def test_no_two_transactions_and_no_two_calls_are_the_same() -> None:
    every = [one for index in range(5) for one in said(index, 3)]
    assert len({message_id for message_id, _ in every}) == len(every)
    names = {json.loads(text)[3]["transactionInfo"]["transactionId"] for _, text in every}
    assert len(names) == 15


def test_a_later_transaction_begins_after_the_one_before_has_ended() -> None:
    events = payloads(count=2)
    assert events[11]["timestamp"] < events[12]["timestamp"]
