"""J01, J02: which values are taken when, what they say, and that they agree."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.blocks.meter_values.samples import MEASURANDS as KNOWN
from station.device_model import (
    ALIGNED_DATA_ENABLED,
    ALIGNED_DATA_INTERVAL,
    ALIGNED_DATA_MEASURANDS,
    ALIGNED_DATA_SEND_DURING_IDLE,
    MEASURANDS,
    SAMPLED_DATA_ENABLED,
    SAMPLED_DATA_TX_ENDED_MEASURANDS,
    SAMPLED_DATA_TX_STARTED_MEASURANDS,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
    SAMPLED_DATA_TX_UPDATED_MEASURANDS,
)
from tests.station.blocks.driving import CARD, charge, model, setting, values
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

REGISTER = "Energy.Active.Import.Register"
INTERVAL = "Energy.Active.Import.Interval"


def reports(csms: FakeCsms) -> list[tuple[int, str]]:
    """EVSE and time of the MeterValues received so far."""
    payloads = [call.payload for call in csms.received if call.action == "MeterValues"]
    return [(payload["evseId"], payload["meterValue"][0]["timestamp"][11:19]) for payload in payloads]


def periodic(csms: FakeCsms, trigger: str = "MeterValuePeriodic") -> list[dict[str, Any]]:
    """The MeterValueTypes of the events of this trigger."""
    return [event["meterValue"][0] for event in csms.events() if event["triggerReason"] == trigger]


def test_j02_every_measurand_that_can_be_configured_is_known() -> None:
    assert frozenset(MEASURANDS) == KNOWN


@pytest.mark.parametrize("connector_type", ["cType2", "cCCS2"])
async def test_j02_fr_11_all_measurands_of_a_sample_agree(
    autojump_clock: MockClock, schemas: Schemas, connector_type: str
) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_MEASURANDS: MEASURANDS, SAMPLED_DATA_TX_UPDATED_INTERVAL: 60})
    async with station_on_fake_csms(schemas, connector_types=((connector_type,),), variables=variables) as (
        station,
        csms,
    ):
        await charge(station.hardware.evses[0])
        await trio.sleep(900)
        samples = periodic(csms)
        assert len(samples) == 16
        for before, now in itertools.pairwise(samples):
            voltages, currents = values(now, "Voltage"), values(now, "Current.Import")
            power_w, *phases_w = values(now, "Power.Active.Import")
            (factor,) = values(now, "Power.Factor")
            volt_amperes = sum(voltage * current for voltage, current in zip(voltages, currents, strict=True))
            assert power_w == pytest.approx(volt_amperes * factor, rel=1e-4)
            assert power_w <= values(now, "Power.Offered")[0] * (1 + 1e-6)
            assert max(currents) <= values(now, "Current.Offered")[0] * (1 + 1e-6)
            (grown_wh,) = values(now, INTERVAL)
            assert grown_wh == pytest.approx(values(now, REGISTER)[0] - values(before, REGISTER)[0], abs=0.002)
            assert grown_wh == pytest.approx(power_w / 60, rel=0.05)
            if connector_type == "cType2":
                assert sum(phases_w) == pytest.approx(power_w, abs=0.01)
                assert {sample.get("phase") for sample in now["sampledValue"]} == {
                    None, "L1", "L2", "L3", "L1-N", "L2-N", "L3-N",
                }  # fmt: skip
                assert values(now, "SoC") == []
            else:
                assert all("phase" not in sample for sample in now["sampledValue"])
                assert values(now, "SoC")[0] > values(before, "SoC")[0]
            assert {sample["context"] for sample in now["sampledValue"]} == {"Sample.Periodic"}


async def test_e01_fr_09_e06_fr_11_each_kind_of_event_has_its_measurands(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model(
        {
            SAMPLED_DATA_TX_STARTED_MEASURANDS: ("Voltage",),
            SAMPLED_DATA_TX_UPDATED_MEASURANDS: ("Frequency",),
            SAMPLED_DATA_TX_ENDED_MEASURANDS: (REGISTER, "Power.Offered"),
        }
    )
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        taken = {
            (event["eventType"], sample["context"], sample["measurand"])
            for event in csms.events()
            for value in event.get("meterValue", ())
            for sample in value["sampledValue"]
        }
        assert taken == {
            ("Started", "Transaction.Begin", "Voltage"),
            ("Updated", "Sample.Periodic", "Frequency"),
            ("Ended", "Transaction.Begin", REGISTER),
            ("Ended", "Transaction.Begin", "Power.Offered"),
            ("Ended", "Transaction.End", REGISTER),
            ("Ended", "Transaction.End", "Power.Offered"),
        }


async def test_j02_without_sampled_data_there_is_none(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({SAMPLED_DATA_ENABLED: False})) as (station, csms):
        await charge(station.hardware.evses[0])
        assert all("meterValue" not in event for event in csms.events())


async def test_j01_fr_22_j02_fr_11_where_nothing_is_to_be_measured_nothing_is_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model(
        {
            SAMPLED_DATA_TX_UPDATED_MEASURANDS: ("SoC",),  # which a vehicle does not tell with alternating current
            ALIGNED_DATA_INTERVAL: 60,
            ALIGNED_DATA_MEASURANDS: (),
        }
    )
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        await trio.sleep(200)
        assert [event["triggerReason"] for event in csms.events()] == ["Authorized", "ChargingStateChanged"]


async def test_j02_fr_11_a_new_interval_counts_at_once(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_INTERVAL: 3600})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        assert periodic(csms) == []
        await csms.call("SetVariables", setting("SampledDataCtrlr", "TxUpdatedInterval", "30"))
        await trio.sleep(100)
        assert len(periodic(csms)) == 4


async def test_j02_a_sample_that_is_asked_for_does_not_cut_the_interval(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_MEASURANDS: (REGISTER, INTERVAL)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        await csms.call("TriggerMessage", {"requestedMessage": "TransactionEvent"})
        await trio.sleep(60)
        first, second = periodic(csms)
        (asked,) = periodic(csms, "Trigger")
        assert values(second, INTERVAL)[0] == pytest.approx(
            values(second, REGISTER)[0] - values(first, REGISTER)[0], abs=0.002
        )
        assert 0 < values(asked, INTERVAL)[0] < values(second, INTERVAL)[0]


async def test_j02_the_interval_goes_on_over_a_power_cut(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_MEASURANDS: (REGISTER, INTERVAL)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(200)
        samples = periodic(csms)
        assert sum(values(sample, INTERVAL)[0] for sample in samples) == pytest.approx(
            values(samples[-1], REGISTER)[0], abs=0.01
        )


async def test_j01_fr_14_idle_evses_are_reported_at_full_intervals(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({ALIGNED_DATA_INTERVAL: 900})
    async with station_on_fake_csms(schemas, connector_types=(("cType2",), ("cType2",)), variables=variables) as (
        _,
        csms,
    ):
        await trio.sleep(1800)  # it is 03:52:53
        assert reports(csms) == [(1, "04:00:00"), (2, "04:00:00"), (1, "04:15:00"), (2, "04:15:00")]


@pytest.mark.parametrize("values_off", [{ALIGNED_DATA_INTERVAL: 0}, {ALIGNED_DATA_ENABLED: False}])
async def test_j01_no_interval_no_values(
    autojump_clock: MockClock, schemas: Schemas, values_off: dict[Any, Any]
) -> None:
    async with station_on_fake_csms(schemas, variables=model({ALIGNED_DATA_INTERVAL: 900} | values_off)) as (_, csms):
        await trio.sleep(3600)
        assert reports(csms) == []


@pytest.mark.parametrize("idle_only", [False, True])
async def test_j01_fr_19_j01_fr_20_j01_fr_22_aligned_values_in_transactions(
    autojump_clock: MockClock, schemas: Schemas, *, idle_only: bool
) -> None:
    variables = model(
        {
            ALIGNED_DATA_INTERVAL: 900,
            ALIGNED_DATA_MEASURANDS: (REGISTER, "Voltage"),
            ALIGNED_DATA_SEND_DURING_IDLE: idle_only,
        }
    )
    async with station_on_fake_csms(schemas, connector_types=(("cType2",), ("cType2",)), variables=variables) as (
        station,
        csms,
    ):
        evse = station.hardware.evses[0]
        await charge(evse)
        await trio.sleep(1700)
        aligned = periodic(csms, "MeterValueClock")
        if idle_only:
            assert (aligned, reports(csms)) == ([], [])
        else:
            assert [value["timestamp"][11:19] for value in aligned] == ["04:00:00", "04:15:00"]
            assert {sample["context"] for value in aligned for sample in value["sampledValue"]} == {"Sample.Clock"}
            assert [len(values(value, "Voltage")) for value in aligned] == [3, 3]
            assert reports(csms) == [(2, "04:00:00"), (2, "04:15:00")]
        evse.reader.present(CARD)
        await trio.sleep(900)
        assert reports(csms)[-2:] == [(1, "04:30:00"), (2, "04:30:00")]


async def test_j01_aligned_values_are_not_kept_while_offline(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({ALIGNED_DATA_INTERVAL: 60})) as (_, csms):
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(1200)
        csms.unreachable = None
        csms.forget()
        await trio.sleep(300)
        assert 0 < len(reports(csms)) <= 5


async def test_j01_full_intervals_are_those_of_the_clock_as_it_is_set(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({ALIGNED_DATA_INTERVAL: 900})) as (_, csms):
        await trio.sleep(500)
        csms.clock.set(csms.clock.now().replace(year=2025, hour=23, minute=50))
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await trio.sleep(1200)
        assert reports(csms) == [(1, "04:00:00"), (1, "00:00:00")]


async def test_f06_fr_06_the_values_of_now_are_sent_when_asked_for(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({ALIGNED_DATA_MEASURANDS: (REGISTER,)})) as (
        station,
        csms,
    ):
        evse = station.hardware.evses[0]
        await charge(evse)
        csms.forget()
        request = {"requestedMessage": "MeterValues", "evse": {"id": 1}}
        assert await csms.call("TriggerMessage", request) == {"status": "Accepted"}
        (payload,) = [call.payload for call in csms.received if call.action == "MeterValues"]
        (sample,) = payload["meterValue"][0]["sampledValue"]
        assert (sample["context"], sample["value"]) == ("Trigger", round(evse.meter.energy_wh, 3))
