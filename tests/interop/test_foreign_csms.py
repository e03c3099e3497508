"""Our station and a CSMS that is not ours: the `ocpp` library, asyncio, websockets' server with compression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from station.settings import TEST_BENCH_PASSWORD
from tests.interop.peer import Peer
from tests.processes import Program, Programs

RECONNECTED_S: Final = 20.0
"""The station's back-off is 2 to 5 s (Part 4 §5.3); the rest is for a busy machine."""
TOKEN: Final = {"id_token": "guest", "type": "Central"}


async def foreign_csms(programs: Programs) -> Peer:
    """A foreign CSMS that listens."""
    peer = await Peer.start(programs, "foreign_csms")
    await peer.tells("listening")
    return peer


async def connected_station(programs: Programs, peer: Peer, *options: str) -> Program:
    """Our station, connected to that CSMS."""
    port = (await peer.tells("listening"))["port"]
    station = await programs.station("CP_1", f"ws://127.0.0.1:{port}/ocpp", *options)
    await peer.tells("connected")
    return station


async def ready_station(programs: Programs, peer: Peer, *options: str) -> Program:
    """Our station, booted, one connector reported."""
    station = await connected_station(programs, peer, *options)
    await peer.received("StatusNotification")
    return station


def in_s(seconds: float) -> str:
    """That many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def reserve(peer: Peer, reservation_id: int, evse_id: int, *, seconds: float = 60) -> str:
    """Send ReserveNow: the status."""
    answer = await peer.call(
        "ReserveNow", id=reservation_id, expiry_date_time=in_s(seconds), id_token=TOKEN, evse_id=evse_id
    )
    status: str = answer["status"]
    return status


async def test_our_station_boots_reports_and_sends_heartbeats(programs: Programs) -> None:
    peer = await foreign_csms(programs)
    station = await connected_station(programs, peer)
    connected = await peer.tells("connected")
    assert connected["path"] == "/ocpp/CP_1"
    assert connected["credentials"] == ["CP_1", TEST_BENCH_PASSWORD]
    assert connected["subprotocol"] == "ocpp2.0.1"
    assert "permessage-deflate" in connected["extensions"]

    boot = await peer.received("BootNotification")
    assert boot == {"charging_station": {"model": "Wallbox XYZ", "vendor_name": "anewone"}, "reason": "PowerUp"}
    status = await peer.received("StatusNotification")
    assert (status["connector_status"], status["evse_id"], status["connector_id"]) == ("Available", 1, 1)
    await peer.received("Heartbeat")

    assert await station.stop() == 0
    assert (await peer.tells("closed"))["code"] == 1001


async def test_b02_b03_our_station_waits_while_it_is_pending_or_rejected(programs: Programs) -> None:
    peer = await foreign_csms(programs)
    await peer.do("answer", action="BootNotification", status="Rejected", interval=1)
    station = await connected_station(programs, peer)
    await station.says("rejected, asking again in 1 s")
    refused = await peer.call("TriggerMessage", requested_message="StatusNotification")
    assert refused["code"] == "SecurityError", "B03.FR.08"

    peer.forget()
    await peer.do("answer", action="BootNotification", status="Pending", interval=1)
    await station.says("pending, asking again in 1 s")
    assert await peer.call("TriggerMessage", requested_message="StatusNotification") == {"status": "Accepted"}
    await peer.received("StatusNotification")

    peer.forget()
    await peer.do("answer", action="BootNotification", status="Accepted", interval=1)
    await peer.received("BootNotification")
    await peer.received("StatusNotification")
    await peer.received("Heartbeat")


async def test_h01_h02_our_station_is_reserved_and_released(programs: Programs) -> None:
    peer = await foreign_csms(programs)
    await ready_station(programs, peer, "--evses", "2")
    assert await reserve(peer, 1, 1) == "Accepted"
    await peer.received("StatusNotification", connector_status="Reserved", evse_id=1)
    assert await reserve(peer, 2, 1) == "Occupied", "H01.FR.11"
    assert await reserve(peer, 3, 9) == "Rejected", "there is no such EVSE"
    inoperative: dict[str, Any] = {"operational_status": "Inoperative", "evse": {"id": 2}}
    assert await peer.call("ChangeAvailability", **inoperative) == {"status": "Accepted"}
    await peer.received("StatusNotification", connector_status="Unavailable", evse_id=2)
    assert await reserve(peer, 4, 2) == "Unavailable", "H01.FR.14"

    peer.forget()
    assert await peer.call("CancelReservation", reservation_id=1) == {"status": "Accepted"}
    await peer.received("StatusNotification", connector_status="Available", evse_id=1)
    assert await peer.call("CancelReservation", reservation_id=1) == {"status": "Rejected"}, "H02.FR.01"
    assert await reserve(peer, 5, 1, seconds=1) == "Accepted"
    update = await peer.received("ReservationStatusUpdate")
    assert update == {"reservation_id": 5, "reservation_update_status": "Expired"}


async def test_our_station_does_what_it_is_asked_and_says_what_it_does_not_support(programs: Programs) -> None:
    peer = await foreign_csms(programs)
    await peer.do("answer", action="BootNotification", status="Accepted", interval=300)
    await ready_station(programs, peer)
    for message in ("Heartbeat", "StatusNotification"):
        peer.forget()
        assert await peer.call("TriggerMessage", requested_message=message) == {"status": "Accepted"}
        await peer.received(message)
    rejected = await peer.call("TriggerMessage", requested_message="BootNotification")
    assert rejected == {"status": "Rejected"}, "F06.FR.17"
    unknown = await peer.call("TriggerMessage", requested_message="LogStatusNotification")
    assert unknown == {"status": "NotImplemented"}, "F06.FR.08"

    for operational_status, connector_status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        peer.forget()
        answer = await peer.call("ChangeAvailability", operational_status=operational_status)
        assert answer == {"status": "Accepted"}
        await peer.received("StatusNotification", connector_status=connector_status)

    refused = await peer.call("UnpublishFirmware", checksum="0" * 32)
    assert refused == {"code": "NotSupported", "description": "This station does not serve UnpublishFirmware"}


async def test_our_station_comes_back_when_the_csms_hangs_up_and_does_not_boot_again(programs: Programs) -> None:
    peer = await foreign_csms(programs)
    await ready_station(programs, peer)
    peer.forget()
    await peer.do("close", code=1012)
    await peer.tells("connected", within_s=RECONNECTED_S)
    await peer.received("Heartbeat")
    assert not [line for line in peer.program.latest if "BootNotification" in line]
    assert await reserve(peer, 1, 1) == "Accepted"
