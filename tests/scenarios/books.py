"""What a CSMS has kept of the TransactionEvents that stations have sent, held against what it has promised to keep.

It is asked for twice: of the REST interface, and of the database with nothing of the program in between.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import trio

from tests.processes import Csms
from tests.scenarios.senders import Key, Payload, Senders

Name = tuple[str, str]
"""Station and transactionId."""
_VALUES: Final = ("seq_no", "measurand", "context", "value")


@dataclass(slots=True)
class Findings:
    """How the books compare. Each list should be empty."""

    sent: int
    acknowledged: int
    lost: list[Any] = field(default_factory=list)
    double: list[Any] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.sent} events sent, {self.acknowledged} acknowledged: "
            f"{len(self.lost)} lost, {len(self.double)} double, {len(self.wrong)} wrong"
        )

    def count(self, what: str, promised: Counter[Any], allowed: Counter[Any], kept: Counter[Any]) -> None:
        """promised: must be there; allowed: may be there."""
        self.lost += [(what, one) for one in promised - kept]
        self.double += [(what, one) for one in kept - allowed if one in allowed]
        self.wrong += [(what, one) for one in kept if one not in allowed]

    def compare(self, what: str, expected: object, found: object) -> None:
        """Two that should be equal."""
        if expected != found:
            self.wrong.append((what, expected, found))

    def assert_clean(self) -> None:
        """Nothing that was acknowledged is missing, nothing is double, and all is as it was sent."""
        assert (self.lost, self.double, self.wrong) == ([], [], []), str(self)


async def audit(csms: Csms, database_url: str, senders: Senders) -> Findings:
    """Compare what is kept with what `senders`, who have finished, have sent."""
    findings = Findings(len(senders.sent), len(senders.answers))
    await trio.to_thread.run_sync(_audit_database, database_url, senders, findings)
    await _audit_rest(csms, senders, findings)
    return findings


# --- the database -----------------------------------------------------------------------------------------------------


def _audit_database(url: str, senders: Senders, findings: Findings) -> None:
    events = _rows(url, "SELECT station_id, transaction_id, seq_no, payload, response FROM transaction_events")
    findings.count(
        "event", Counter(list(senders.answers)), Counter(list(senders.sent)), Counter(row[:3] for row in events)
    )
    for *key, payload, response in events:
        station, transaction, seq_no = key
        name = (station, transaction, seq_no)
        findings.compare(f"request of {name}", senders.sent.get(name), json.loads(payload))
        if name in senders.answers:
            findings.compare(f"response of {name}", senders.answers[name], json.loads(response))
    values = _rows(
        url,
        "SELECT m.station_id, t.transaction_id, m.seq_no, m.measurand, COALESCE(m.context, 'Sample.Periodic'), m.value "
        "FROM meter_values m "
        "JOIN transactions t ON t.station_id = m.station_id AND t.transaction_key = m.transaction_key",
    )
    findings.count("meter value", _values(senders, senders.answers), _values(senders, senders.sent), Counter(values))
    feed = _rows(url, "SELECT station_id, event_type, data FROM events WHERE event_type LIKE 'transaction.%'")
    findings.count(
        "told", _told(senders, senders.answers), _told(senders, senders.sent), Counter(map(_from_feed, feed))
    )
    names = _rows(url, "SELECT station_id, transaction_id FROM transactions")
    findings.count("transaction", Counter(_names(senders.answers)), Counter(_names(senders.sent)), Counter(names))


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(query.encode()).fetchall()


def _names(keys: dict[Key, Payload]) -> set[Name]:
    return {key[:2] for key in keys}


def _values(senders: Senders, keys: dict[Key, Payload]) -> Counter[Any]:
    return Counter(
        (*key, sample.get("measurand", "Energy.Active.Import.Register"), sample["context"], float(sample["value"]))
        for key in keys
        for value in senders.sent[key]["meterValue"]
        for sample in value["sampledValue"]
    )


def _told(senders: Senders, keys: dict[Key, Payload]) -> Counter[Any]:
    return Counter((*key, f"transaction.{senders.sent[key]['eventType'].lower()}") for key in keys)


def _from_feed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    station, event_type, data = row
    told = json.loads(data)
    return station, told["transaction_id"], told["seq_no"], event_type


# --- REST -------------------------------------------------------------------------------------------------------------


async def _audit_rest(csms: Csms, senders: Senders, findings: Findings) -> None:
    sent: dict[Name, list[Payload]] = {}
    for (station, transaction, _), request in sorted(senders.sent.items()):
        sent.setdefault((station, transaction), []).append(request)
    listed = await _listed(csms)
    found = Counter((one["station_id"], one["transaction_id"]) for one in listed)
    findings.count("listed", Counter(_names(senders.answers)), Counter(_names(senders.sent)), found)
    for one in listed:
        station, transaction = one["station_id"], one["transaction_id"]
        response = await csms.rest.get(f"/api/v1/transactions/{station}/{transaction}")
        response.raise_for_status()
        whole = response.json()
        findings.compare(f"{transaction} as listed", one, {name: whole[name] for name in one})
        _audit_transaction(whole, sent.get((station, transaction), []), senders, findings)


async def _listed(csms: Csms) -> list[Payload]:
    transactions: list[Payload] = []
    query: dict[str, Any] = {"limit": 1000}
    while True:
        response = await csms.rest.get("/api/v1/transactions", params=query)
        response.raise_for_status()
        page = response.json()
        transactions += page["transactions"]
        if page["next_cursor"] is None:
            return transactions
        query["cursor"] = page["next_cursor"]


def _audit_transaction(whole: Payload, sent: list[Payload], senders: Senders, findings: Findings) -> None:
    name = f"{whole['transaction_id']} of {whole['station_id']}"
    findings.compare(f"events of {name}", sent, [event["request"] for event in whole["events"]])
    samples = [
        {
            "seq_no": event["seqNo"],
            "measurand": sample.get("measurand", "Energy.Active.Import.Register"),
            "context": sample["context"],
            "value": sample["value"],
        }
        for event in sent
        for value in event["meterValue"]
        for sample in value["sampledValue"]
    ]
    shown = [{key: value[key] for key in _VALUES} for value in whole["meter_values"]]
    findings.compare(f"meter values of {name}", samples, shown)
    if not sent or sent[-1]["eventType"] != "Ended":
        return
    first, last = (event["meterValue"][0]["sampledValue"][0]["value"] for event in (sent[0], sent[-1]))
    expected = {
        "started_at": sent[0]["timestamp"],
        "ended_at": sent[-1]["timestamp"],
        "open": False,
        "complete": True,
        "events_received": len(sent),
        "events_missing": 0,
        "gaps": [],
        "evse_id": 1,
        "connector_id": 1,
        "id_token": sent[0]["idToken"]["idToken"],
        "charging_state": "Idle",
        "stopped_reason": "EVDisconnected",
        "register_start_wh": first,
        "register_stop_wh": last,
        "energy_wh": last - first,
    }
    findings.compare(name, expected, {key: whole[key] for key in expected})
