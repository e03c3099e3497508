"""E: a driver plugs in, shows a card, charges, shows it again, and leaves."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj.schemas import Schemas
from station.device_model import TX_START_POINT, TX_STOP_POINT, DeviceModel
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

CARD = {"idToken": "04A1B2C3", "type": "ISO14443"}


def told(csms: FakeCsms) -> list[tuple[str, str, str | None]]:
    """Type, trigger and charging state of each TransactionEvent."""
    return [
        (event["eventType"], event["triggerReason"], event["transactionInfo"].get("chargingState"))
        for event in csms.events()
    ]


async def test_e02_plug_in_authorize_charge_stop_unplug(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = DeviceModel()
    variables[TX_START_POINT] = ("EVConnected",)
    variables[TX_STOP_POINT] = ("EVConnected",)
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        await wait_all_tasks_blocked()
        evse.reader.present(CARD)
        await trio.sleep(3600)
        evse.reader.present(CARD)
        await trio.sleep(10)
        evse.connectors[0].unplug()
        await trio.sleep(10)
        assert [event for event in told(csms) if event[1] != "MeterValuePeriodic"] == [
            ("Started", "CablePluggedIn", "EVConnected"),
            ("Updated", "Authorized", None),
            ("Updated", "ChargingStateChanged", "Charging"),
            ("Updated", "StopAuthorized", "EVConnected"),
            ("Ended", "EVCommunicationLost", "Idle"),
        ]
        events: list[dict[str, Any]] = csms.events()
        assert [event["seqNo"] for event in events] == list(range(len(events)))
        assert {event["transactionInfo"]["transactionId"] for event in events} == {
            events[0]["transactionInfo"]["transactionId"]
        }
        assert events[-1]["transactionInfo"]["stoppedReason"] == "Local"
        assert events[-1]["transactionInfo"]["timeSpentCharging"] == 3600
        assert csms.actions.count("Authorize") == 1
        assert all(not event.get("offline") for event in events)
