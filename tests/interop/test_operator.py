"""An operator at the REST interface, with a foreign station: durable commands, lists in pages, ranges of time, CSV."""

from __future__ import annotations

import csv
import io
from signal import Signals
from typing import Any, Final

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    at,
    csms_and_booted_station,
    events,
    foreign_station,
)
from tests.processes import Csms, Programs

COMMANDS: Final = "/api/v1/commands"


async def order(csms: Csms, action: str, payload: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    """Ask for a durable command: status and body of the answer."""
    wish = {"station_id": IDENTITY, "action": action, "payload": payload, **more}
    answer = await csms.rest.post(COMMANDS, json=wish)
    return answer.status_code, answer.json()


async def queued(csms: Csms, action: str, payload: dict[str, Any], **more: Any) -> str:
    """The id of a new command that waits for the station."""
    status, command = await order(csms, action, payload, **more)
    assert (status, command["state"]) == (202, "Queued"), command
    command_id: str = command["command_id"]
    return command_id


async def states(csms: Csms) -> dict[str, str]:
    """How all commands stand, by their ids."""
    return {one["command_id"]: one["state"] for one in (await csms.get(COMMANDS))["commands"]}


async def test_commands_wait_for_their_station_through_a_kill_and_are_delivered_once_in_order(
    programs: Programs,
) -> None:
    station = await foreign_station(programs)
    csms = await programs.csms()
    await csms.put(IDENTITY)
    token = {"idToken": "driver-1", "type": "Central"}
    start = await queued(csms, "RequestStartTransaction", {"idToken": token, "evseId": 1}, deduplication_key="order-1")
    clear = await queued(csms, "ClearCache", {})
    unlock = await queued(csms, "UnlockConnector", {"evseId": 1, "connectorId": 1})
    dropped = await queued(csms, "ClearCache", {})
    late = await queued(csms, "Reset", {"type": "OnIdle"}, expires_in_s=0.2)
    assert (await csms.rest.delete(f"{COMMANDS}/{dropped}")).json()["state"] == "Cancelled"
    async with events(csms) as told:
        await told.next("command.state", command_id=late, state="Expired")
    await csms.stop(Signals.SIGKILL)

    csms = await programs.csms(port=csms.port)
    again = {"idToken": token, "evseId": 1}
    status, command = await order(csms, "RequestStartTransaction", again, deduplication_key="order-1")
    assert (status, command["command_id"], command["state"]) == (200, start, "Queued")
    assert (await order(csms, "ClearCache", {}, deduplication_key="order-1"))[0] == 409

    await station.will_answer("RequestStartTransaction", status="Accepted")
    await station.will_answer("ClearCache", status="Rejected")
    error = {"error": "InternalError", "description": "no more tea", "details": {"tea": "none"}}
    await station.will_answer("UnlockConnector", **error)
    await station.connect(csms)
    assert (await station.call("Heartbeat"))["code"] == "SecurityError"
    assert _asked(station.program.latest) == [], "it has not booted yet"
    assert (await station.boot())["status"] == "Accepted"
    async with events(csms) as told:
        await told.next("command.state", command_id=unlock, state="Failed")
    assert _asked(station.program.latest) == ["RequestStartTransaction", "ClearCache", "UnlockConnector"]
    assert await states(csms) == {
        start: "Succeeded",
        clear: "Refused",
        unlock: "Failed",
        dropped: "Cancelled",
        late: "Expired",
    }
    done = await csms.get(f"{COMMANDS}/{start}")
    assert (done["result"], done["error"]) == ({"status": "Accepted"}, None)
    assert [one["state"] for one in done["history"]] == ["Queued", "Sent", "Succeeded"]
    failed = await csms.get(f"{COMMANDS}/{unlock}")
    assert failed["error"] == {"code": "InternalError", "description": "no more tea", "details": {"tea": "none"}}
    info = {"remote_start_id": done["remote_start_id"]}
    await station.event("Started", "t-1", 0, trigger_reason="RemoteStart", info=info)
    assert (await csms.get(f"{COMMANDS}/{start}"))["transaction_id"] == "t-1"
    assert len((await csms.get(COMMANDS, station_id=IDENTITY, state="Refused", action="ClearCache"))["commands"]) == 1

    station.forget()
    await station.do("vanish")
    await station.connect(csms)
    await station.call("Heartbeat")
    assert _asked(station.program.latest) == [], "nothing comes twice"


def _asked(lines: list[str]) -> list[str]:
    """The actions that a station was asked for, in order."""
    return [line.split('"action": "')[1].partition('"')[0] for line in lines if '"received"' in line]


async def pages(csms: Csms, path: str, name: str, limit: int, **query: Any) -> list[Any]:
    """All items of a list, from page after page."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await csms.get(path, limit=limit, **cursor, **query)
        assert len(page[name]) <= limit
        found += page[name]
        if page["next_cursor"] is None:
            return found
        assert len(page[name]) == limit
        cursor = {"cursor": page["next_cursor"]}


async def test_lists_come_in_pages_and_ranges_of_time_and_transactions_as_csv(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs, evses=2)
    energy = {"measurand": "Energy.Active.Import.Register"}
    for number in range(5):
        begin, end = 600 * number, 600 * number + 300
        evse = {"id": 1 + number % 2}
        token = {"id_token": "=1+1" if number == 4 else f"token-{number}", "type": "ISO14443"}
        began = [{"timestamp": at(begin), "sampled_value": [{"value": 1000.0 * number, **energy}]}]
        ended = [{"timestamp": at(end), "sampled_value": [{"value": 1000.0 * number + 250.5, **energy}]}]
        name = f"t-{number}"
        await station.event("Started", name, 0, at(begin), id_token=token, evse=evse, meter_value=began)
        if number < 4:
            await station.event("Ended", name, 1, at(end), meter_value=ended, info={"stopped_reason": "EVDisconnected"})

    async def ids(**query: Any) -> list[str]:
        found = await pages(csms, "/api/v1/transactions", "transactions", 2, **query)
        return [one["transaction_id"] for one in found]

    assert await ids() == ["t-4", "t-3", "t-2", "t-1", "t-0"]
    assert await ids(evse_id=1) == ["t-4", "t-2", "t-0"]
    assert await ids(open="false", from_=at(600), to=at(1800)) == ["t-2", "t-1"]
    assert await ids(open="true") == ["t-4"]
    assert await ids(id_token="TOKEN-3") == ["t-3"]
    assert await ids(station_id="CP_9") == []

    values = await pages(csms, f"{STATION}/meter-values", "meter_values", 2)
    assert [one["value"] for one in values] == [0.0, 250.5, 1000.0, 1250.5, 2000.0, 2250.5, 3000.0, 3250.5, 4000.0]
    between = await pages(csms, f"{STATION}/meter-values", "meter_values", 2, evse_id=2, from_=at(0), to=at(900))
    assert [one["value"] for one in between] == [1000.0], "behind at(900) there is more"

    exported = await csms.rest.get("/api/v1/transactions", params={"format": "csv", "limit": 1, "to": at(2401)})
    assert exported.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(exported.text, newline="")))
    assert [row["transaction_id"] for row in rows] == ["t-4", "t-3", "t-2", "t-1", "t-0"]
    assert {column: text for column, text in rows[1].items() if text} == {
        "station_id": IDENTITY,
        "transaction_id": "t-3",
        "evse_id": "2",
        "started_at": at(1800),
        "ended_at": at(2100),
        "duration_s": "300.0",
        "energy_wh": "250.5",
        "id_token": "token-3",
        "id_token_type": "ISO14443",
        "id_token_status": "Unknown",
        "stopped_reason": "EVDisconnected",
        "complete": "true",
    }
    assert (rows[0]["id_token"], rows[0]["ended_at"], rows[0]["complete"]) == ("'=1+1", "", "false")
    accepted = await csms.rest.get("/api/v1/transactions", headers={"Accept": "text/csv"}, params={"open": "true"})
    assert [row["transaction_id"] for row in csv.DictReader(io.StringIO(accepted.text))] == ["t-4"]

    sent = 9
    await csms.shows(f"{STATION}/messages", lambda body: len(body["messages"]) == sent, action="TransactionEvent")
    messages = await pages(csms, f"{STATION}/messages", "messages", 4, action="TransactionEvent")
    assert [one["request"]["timestamp"] for one in messages] == sorted(
        (one["request"]["timestamp"] for one in messages), reverse=True
    ), "the newest first"
    middle = messages[4]["called_at"]
    earlier = await pages(csms, f"{STATION}/messages", "messages", 4, action="TransactionEvent", to=middle)
    later = await pages(csms, f"{STATION}/messages", "messages", 4, action="TransactionEvent", from_=middle)
    assert [*later, *earlier] == messages
    assert all(one["called_at"] < middle for one in earlier)
