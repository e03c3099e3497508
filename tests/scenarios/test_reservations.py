"""H Reservation, end to end: made, refused, replaced, expired, cancelled, made anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.processes import Csms, Programs


def in_s(seconds: float) -> str:
    """That many seconds from now, as OCPP writes a time."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reserve_now(reservation_id: int, *, expires_at: str) -> dict[str, Any]:
    """A ReserveNow for EVSE 1."""
    id_token = {"idToken": "guest", "type": "Central"}
    return {"id": reservation_id, "expiryDateTime": expires_at, "idToken": id_token, "evseId": 1}


async def reservations(csms: Csms) -> list[dict[str, Any]]:
    """GET /api/v1/reservations."""
    found: list[dict[str, Any]] = (await csms.rest.get("/api/v1/reservations")).json()["reservations"]
    return found


async def status_reported(csms: Csms, status: str, evse_id: int = 1, connector_id: int = 1) -> None:
    """Wait until CP_1 has told the status of a connector."""
    await csms.heard("CP_1", "StatusNotification", connectorStatus=status, evseId=evse_id, connectorId=connector_id)


async def test_h01_a_reserved_evse_is_occupied_for_others_but_the_same_id_replaces_the_reservation(
    programs: Programs,
) -> None:
    csms = await programs.csms()
    station = await programs.ready_station("CP_1", csms)
    first = reserve_now(77, expires_at=in_s(60))
    assert await csms.call("CP_1", "ReserveNow", first) == (200, {"result": {"status": "Accepted"}})
    await status_reported(csms, "Reserved")

    station.forget()
    other = reserve_now(78, expires_at=in_s(60))
    assert await csms.call("CP_1", "ReserveNow", other) == (200, {"result": {"status": "Occupied"}}), "H01.FR.11"
    await station.says('{"status":"Occupied"}')
    again = reserve_now(77, expires_at=in_s(120))
    assert await csms.call("CP_1", "ReserveNow", again) == (200, {"result": {"status": "Accepted"}}), "H01.FR.02"

    (reservation,) = [one for one in await reservations(csms) if one["state"] == "Active"]
    assert reservation["reservation_id"] == 77
    assert datetime.fromisoformat(reservation["expires_at"]) == datetime.fromisoformat(again["expiryDateTime"])


async def test_h04_a_reservation_expires_and_its_connector_is_available_again(programs: Programs) -> None:
    csms = await programs.csms()
    await programs.ready_station("CP_1", csms)
    assert await csms.reserve("CP_1", expires_at=in_s(1.5)) == (200, {"status": "Accepted"})
    await status_reported(csms, "Reserved")
    (reservation,) = await reservations(csms)
    assert reservation["state"] == "Active"

    csms.forget()
    update = await csms.heard("CP_1", "ReservationStatusUpdate")
    assert update == {"reservationId": reservation["reservation_id"], "reservationUpdateStatus": "Expired"}
    await status_reported(csms, "Available")
    assert [ended["state"] for ended in await reservations(csms)] == ["Expired"]
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})


async def test_h02_a_cancelled_reservation_makes_room_for_the_next(programs: Programs) -> None:
    csms = await programs.csms()
    await programs.ready_station("CP_1", csms)
    status, made = await csms.reserve()
    assert (status, made["status"], made["cp_id"], made["evse_id"]) == (200, "Accepted", "CP_1", 1)
    await status_reported(csms, "Reserved")

    csms.forget()
    path = f"/api/v1/reservations/{made['reservation_id']}"
    cancelled = await csms.rest.delete(path)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "Accepted")
    await status_reported(csms, "Available")
    assert (await csms.rest.get(path)).json()["state"] == "Cancelled"
    assert (await csms.rest.delete(path)).status_code == 409, "it has ended already"
    assert (await csms.rest.delete("/api/v1/reservations/1")).status_code == 404
    assert (await csms.reserve())[0] == 200


async def test_a_reservation_anywhere_takes_any_available_station_or_none(programs: Programs) -> None:
    csms = await programs.csms()
    status, answer = await csms.reserve()
    assert (status, answer["error_code"]) == (503, 503), "no station is connected"
    await programs.ready_station("CP_1", csms)
    await programs.ready_station("CP_2", csms)
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})

    status, answer = await csms.reserve()
    assert (status, answer["cp_id"]) == (200, "CP_2"), "the other one is taken"
    assert (await csms.reserve())[0] == 503


async def test_each_evse_of_a_station_can_be_reserved_with_all_its_connectors(programs: Programs) -> None:
    csms = await programs.csms()
    await programs.ready_station("CP_1", csms, "--evses", "2", "--connectors", "2")
    await status_reported(csms, "Available", 2, 2)

    assert (await csms.reserve("CP_1", evse_id=2))[0] == 200
    for connector_id in (1, 2):
        await status_reported(csms, "Reserved", 2, connector_id)
    assert (await csms.reserve("CP_1", evse_id=2))[0] == 503
    assert (await csms.reserve("CP_1"))[0] == 200, "EVSE 1"
    for connector_id in (1, 2):
        await status_reported(csms, "Reserved", 1, connector_id)
    assert (await csms.reserve("CP_1"))[0] == 503
