"""H Reservation with a foreign station: made, replaced, used, expired, cancelled, removed, answered late."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from signal import Signals
from typing import Any, Final

import httpx
import trio

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    csms_and_booted_station,
    events,
)
from tests.processes import Csms, Programs

TOKEN: Final = {"idToken": "04A2B3C4", "type": "ISO14443"}
GROUP: Final = {"idToken": "family-1", "type": "Central"}
PATH: Final = "/api/v1/reservations"


def in_s(seconds: float) -> str:
    """That many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def reserve(csms: Csms, **wish: Any) -> tuple[int, dict[str, Any]]:
    """Ask for a reservation at the station: status and body of the answer."""
    answer = await csms.rest.post(PATH, json={"station_id": IDENTITY, "id_token": TOKEN, **wish})
    return answer.status_code, answer.json()


async def made(csms: Csms, **wish: Any) -> int:
    """The id of a reservation that the station has accepted."""
    status, reservation = await reserve(csms, **wish)
    assert (status, reservation["state"]) == (201, "Active"), reservation
    reservation_id: int = reservation["reservation_id"]
    return reservation_id


async def state(csms: Csms, reservation_id: int) -> str:
    """How a reservation stands."""
    found: str = (await csms.get(f"{PATH}/{reservation_id}"))["state"]
    return found


async def test_h01_h03_a_reservation_is_made_replaced_and_used_by_its_token_or_its_group(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs, evses=2)
    await station.will_answer("ReserveNow", status="Accepted")
    expires_at = in_s(3600)
    first = await made(csms, evse_id=2, group_id_token=GROUP, expires_at=expires_at)
    asked = await station.received("ReserveNow", id=first)
    assert (asked["evse_id"], asked["id_token"]) == (2, {"id_token": "04A2B3C4", "type": "ISO14443"})
    assert asked["group_id_token"] == {"id_token": "family-1", "type": "Central"}
    kept = await csms.get(f"{PATH}/{first}")
    assert (kept["station_id"], kept["evse_id"], kept["id_token"], kept["group_id_token"]) == (
        IDENTITY,
        2,
        TOKEN,
        GROUP,
    )
    await station.report("Reserved", 2)
    second = await made(csms)
    assert (await station.received("ReserveNow", id=second))["evse_id"] == 1, "the one that is left"
    status, problem = await reserve(csms)
    assert (status, problem["detail"]) == (503, f"Nothing is available at {IDENTITY}.")

    later = in_s(7200)
    again = {"id": second, "expiryDateTime": later, "idToken": TOKEN, "evseId": 1}
    assert await csms.call(IDENTITY, "ReserveNow", again) == (200, {"result": {"status": "Accepted"}})
    kept = await csms.get(f"{PATH}/{second}")
    assert datetime.fromisoformat(kept["expires_at"]) == datetime.fromisoformat(later).replace(
        microsecond=datetime.fromisoformat(later).microsecond // 1000 * 1000
    ), "H01.FR.02"
    listed = (await csms.get(PATH, station_id=IDENTITY, state="Active"))["reservations"]
    assert [one["reservation_id"] for one in listed] == [second, first]

    by_token = {"id_token": "04A2B3C4", "type": "ISO14443"}
    await station.event("Started", "t-1", 0, id_token=by_token, evse={"id": 1}, reservation_id=second)
    by_group = {"id_token": "04FFEEDD", "type": "ISO14443"}
    await station.event("Started", "t-2", 0, evse={"id": 2})
    assert await state(csms, first) == "Active"
    await station.event("Updated", "t-2", 1, id_token=by_group, reservation_id=first)
    assert [await state(csms, one) for one in (first, second)] == ["Used", "Used"], "H01.FR.15, H03.FR.09"
    transactions = (await csms.get("/api/v1/transactions"))["transactions"]
    assert {one["transaction_id"]: one["reservation_id"] for one in transactions} == {"t-1": second, "t-2": first}
    async with events(csms) as told:
        assert (await told.next("reservation.made"))["reservation_id"] == first
        assert (await told.next("reservation.made"))["reservation_id"] == second
        await told.next("reservation.ended", reservation_id=second, state="Used")
        await told.next("reservation.ended", reservation_id=first, state="Used")


async def test_h01_h02_h04_a_reservation_is_refused_cancelled_removed_or_expires(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs)
    for reason in ("Faulted", "Occupied", "Rejected", "Unavailable"):
        await station.will_answer("ReserveNow", status=reason)
        status, problem = await reserve(csms)
        assert (status, problem["reason"]) == (409, reason)
    refused = (await csms.get(PATH, state="Refused"))["reservations"]
    assert len(refused) == 4

    await station.will_answer("ReserveNow", status="Accepted")
    for answer, end in (("Accepted", "Cancelled"), ("Rejected", "Removed")):
        reservation_id = await made(csms)
        await station.do("answer", action="CancelReservation", status=answer)
        cancelled = await csms.rest.delete(f"{PATH}/{reservation_id}")
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, answer)
        assert await station.received("CancelReservation", reservation_id=reservation_id)
        assert await state(csms, reservation_id) == end, "H02.FR.01, H02.FR.02"
        assert (await csms.rest.delete(f"{PATH}/{reservation_id}")).status_code == 409

    for end in ("Removed", "Expired"):
        reservation_id = await made(csms)
        update: dict[str, Any] = {"reservation_id": reservation_id, "reservation_update_status": end}
        assert await station.call("ReservationStatusUpdate", **update) == {}
        assert await state(csms, reservation_id) == end, "H01.FR.16, H04.FR.01"
        assert await station.call("ReservationStatusUpdate", **update) == {}, "once more, as after a lost answer"
    stranger: dict[str, Any] = {"reservation_id": 4711, "reservation_update_status": "Expired"}
    assert await station.call("ReservationStatusUpdate", **stranger) == {}

    async with events(csms) as told:
        away = await made(csms, expires_at=in_s(1))
        await station.do("vanish")
        await told.next("reservation.ended", reservation_id=away, state="Expired")
    assert await state(csms, away) == "Expired", "H04, although the station is away"


async def test_h01_a_late_answer_finds_its_reservation_and_so_does_a_status_after_a_kill(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs, "--call-timeout", "0.5", evses=2)
    await station.will_answer("ReserveNow", status="Accepted")
    await station.do("hold")
    status, problem = await reserve(csms, evse_id=1)
    assert status == 504
    late: int = problem["reservation_id"]
    assert await state(csms, late) == "Requested"
    await station.do("release")
    await csms.shows(f"{PATH}/{late}", lambda body: body["state"] == "Active")

    station.forget()
    await station.do("hold")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ask_in_vain, csms)
        unanswered: int = (await station.received("ReserveNow"))["id"]
        await csms.stop(Signals.SIGKILL)
    await station.do("release")
    await station.tells("closed")
    csms = await programs.csms(port=csms.port)
    assert await state(csms, unanswered) == "Requested", "the CSMS has asked, and knows no more"
    await station.connect(csms)
    await station.report("Reserved", 2)
    assert [await state(csms, one) for one in (late, unanswered)] == ["Active", "Active"], "H01.FR.23"
    assert (await csms.get(STATION))["connectors"][1]["status"] == "Reserved"


async def _ask_in_vain(csms: Csms) -> None:
    with suppress(httpx.TransportError):  # the CSMS is killed meanwhile
        status, _ = await reserve(csms, evse_id=2)
        assert status == 504
