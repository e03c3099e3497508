"""G Availability with a foreign station: what connectors report, ChangeAvailability, Heartbeat."""

from __future__ import annotations

from typing import Any

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    ForeignStation,
    at,
    csms_and_booted_station,
    events,
)
from tests.processes import Csms, Programs


async def connectors(csms: Csms) -> dict[int, tuple[str, str]]:
    """Status and its time of the first connector of each EVSE, as REST shows them."""
    return {one["evse_id"]: (one["status"], one["timestamp"]) for one in (await csms.get(STATION))["connectors"]}


async def notify(station: ForeignStation, evse_id: int, status: str, timestamp: str) -> None:
    """Send a NotifyEvent of a connector's AvailabilityState, beside another event (G01, N07)."""
    event: dict[str, Any] = {
        "timestamp": timestamp,
        "trigger": "Delta",
        "event_notification_type": "HardWiredNotification",
    }
    evse = {"id": evse_id, "connector_id": 1}
    data = [
        event
        | {
            "event_id": 1,
            "actual_value": status,
            "component": {"name": "Connector", "evse": evse},
            "variable": {"name": "AvailabilityState"},
        },
        event
        | {
            "event_id": 2,
            "actual_value": "true",
            "component": {"name": "EVSE", "evse": {"id": evse_id}},
            "variable": {"name": "Problem"},
        },
    ]
    assert await station.call("NotifyEvent", generated_at=timestamp, seq_no=0, tbc=False, event_data=data) == {}


async def test_g01_to_g04_what_a_station_tells_of_its_availability_and_agrees_to_is_kept(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs, evses=2)
    await tells_the_latest_status_of_each_connector(csms, station)
    await agrees_to_change_its_availability(csms, station)


async def tells_the_latest_status_of_each_connector(csms: Csms, station: ForeignStation) -> None:
    """G01, however it is told; and G02."""
    assert await connectors(csms) == {1: ("Available", at(0)), 2: ("Available", at(0))}
    for number, status in enumerate(("Occupied", "Reserved", "Unavailable", "Faulted", "Available")):
        await station.report(status, timestamp=at(10 + number))
        assert (await connectors(csms))[1] == (status, at(10 + number))
    await notify(station, 2, "Faulted", at(20))
    assert await connectors(csms) == {1: ("Available", at(14)), 2: ("Faulted", at(20))}
    await notify(station, 3, "Available", at(21))
    assert (await connectors(csms))[3] == ("Available", at(21)), "an EVSE that nobody has heard of"
    await station.report("Occupied", 2, timestamp=at(19))
    assert (await connectors(csms))[2] == ("Faulted", at(20)), "that was before"

    async with events(csms) as told:
        for evse_id, status in ((1, "Faulted"), (1, "Available"), (2, "Faulted"), (3, "Available")):
            await told.next("connector.status", evse_id=evse_id, status=status)
    before = (await csms.get(STATION))["last_seen"]
    heartbeat = await station.call("Heartbeat")
    after = (await csms.get(STATION))["last_seen"]
    assert before < after <= heartbeat["current_time"], "G02.FR.04"


async def agrees_to_change_its_availability(csms: Csms, station: ForeignStation) -> None:
    """G03 and G04."""

    async def change(operational_status: str, answer: str, **evse: int) -> None:
        await station.will_answer("ChangeAvailability", status=answer)
        request = {"operationalStatus": operational_status} | ({"evse": evse} if evse else {})
        assert await csms.call(IDENTITY, "ChangeAvailability", request) == (200, {"result": {"status": answer}})
        await station.received("ChangeAvailability", operational_status=operational_status)

    async def agreed() -> list[tuple[int | None, int | None, str, str]]:
        found = (await csms.get(STATION))["availability"]
        return [(one["evse_id"], one["connector_id"], one["operational_status"], one["status"]) for one in found]

    await change("Inoperative", "Rejected", id=1)
    assert await agreed() == []
    await change("Inoperative", "Accepted", id=1, connectorId=1)
    await change("Inoperative", "Scheduled", id=2)
    assert await agreed() == [(1, 1, "Inoperative", "Accepted"), (2, None, "Inoperative", "Scheduled")], "G03.FR.05"
    await change("Operative", "Accepted", id=1)
    assert await agreed() == [(2, None, "Inoperative", "Scheduled"), (1, None, "Operative", "Accepted")]
    await change("Operative", "Accepted")
    assert await agreed() == [(None, None, "Operative", "Accepted")], "G04: it decides over all"
