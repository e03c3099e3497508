"""What is kept of the stations' variables, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from csms.device_model import DeviceModels, Filter
from csms.registry import Registry, Station
from csms.reports import Report
from csms.store import Store, StoreUnavailable, open_store

START = datetime(2026, 11, 22, tzinfo=UTC)
CHARACTERISTICS = {"dataType": "integer", "unit": "s", "supportsMonitoring": False}
ANY = Filter()


@dataclass
class HandClock:
    """A clock that is set by hand."""

    time: datetime = field(default=START)

    def now(self) -> datetime:
        return self.time


@dataclass
class Bench:
    """The device model of one station."""

    store: Store
    registry: Registry
    models: DeviceModels
    station: Station
    clock: HandClock

    async def part(self, *data: dict[str, Any], seq_no: int = 0, tbc: bool = False, request_id: int = 1) -> Report:
        """A NotifyReport comes, a second after what came before."""
        self.clock.time += timedelta(seconds=1)
        message: dict[str, Any] = {"requestId": request_id, "generatedAt": "2026-11-22T00:00:00Z", "seqNo": seq_no}
        if data:
            message["reportData"] = list(data)
        if tbc:
            message["tbc"] = True
        return await self.models.part_received(self.station, message)

    async def read(self, wanted: Filter = ANY) -> list[dict[str, Any]]:
        found, _ = await self.models.read_page(self.station.station_id, wanted, None, 1000)
        return found

    async def values(self) -> dict[str, Any]:
        """The values, by variable and attribute."""
        return {f"{one['variable']['name']} {one['attribute_type']}": one["value"] for one in await self.read()}


@asynccontextmanager
async def bench(database_url: str) -> AsyncIterator[Bench]:
    """Opens the database; again with the same URL, as another run of the CSMS does."""
    async with open_store(database_url) as store:
        clock = HandClock()
        registry = Registry(store, clock)
        await registry.load()
        station = registry.get("CP_1") or await registry.put("CP_1")
        models = DeviceModels(store, registry, clock, Random(7))  # noqa: S311 - to be the same every time
        await models.load()
        yield Bench(store, registry, models, station, clock)


def data(name: str = "Interval", value: str | None = "5", component: str = "Ctrlr", **more: Any) -> dict[str, Any]:
    """One ReportDataType, with one attribute."""
    attribute = {"value": value} if value is not None else {}
    return {
        "component": {"name": component},
        "variable": {"name": name},
        "variableAttribute": [attribute | more],
        "variableCharacteristics": CHARACTERISTICS,
    }


def result(name: str, value: str | None, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    """One GetVariableResultType or SetVariableResultType."""
    answer = {"component": {"name": "Ctrlr"}, "variable": {"name": name}, "attributeStatus": status} | more
    return answer if value is None else answer | {"attributeValue": value}


def wish(name: str, value: str, **more: Any) -> dict[str, Any]:
    """One SetVariableDataType."""
    return {"component": {"name": "Ctrlr"}, "variable": {"name": name}, "attributeValue": value} | more


async def test_b07_fr_08_all_of_an_attribute_is_kept_and_outlives_a_restart(database_url: str) -> None:
    async with bench(database_url) as one:
        await one.part(data(mutability="ReadOnly", persistent=True, constant=True))
        expected = [
            {
                "component": {"name": "Ctrlr"},
                "variable": {"name": "Interval"},
                "attribute_type": "Actual",
                "value": "5",
                "mutability": "ReadOnly",
                "persistent": True,
                "constant": True,
                "reboot_required": False,
                "characteristics": CHARACTERISTICS,
                "reported_at": "2026-11-22T00:00:01.000Z",
            }
        ]
        assert await one.read() == expected
    async with bench(database_url) as again:
        assert await again.read() == expected


async def test_what_a_report_leaves_out_has_its_default(database_url: str) -> None:
    async with bench(database_url) as one:
        await one.part(data())
        (found,) = await one.read()
        assert (found["mutability"], found["persistent"], found["constant"]) == ("ReadWrite", False, False)


async def test_evses_connectors_instances_and_attributes_are_told_apart(database_url: str) -> None:
    async with bench(database_url) as one:
        places = [
            ({"name": "C"}, {"name": "V"}),
            ({"name": "C", "instance": "I"}, {"name": "V"}),
            ({"name": "C", "evse": {"id": 1}}, {"name": "V"}),
            ({"name": "C", "evse": {"id": 1, "connectorId": 2}}, {"name": "V"}),
            ({"name": "C"}, {"name": "V", "instance": "I"}),
        ]
        attributes = [{"type": kind, "value": kind} for kind in ("Actual", "Target", "MinSet", "MaxSet")]
        await one.part(
            *(
                {"component": component, "variable": variable, "variableAttribute": attributes}
                for component, variable in places
            )
        )
        found = await one.read()
        assert len(found) == len(places) * len(attributes)
        assert all(one_found["value"] == one_found["attribute_type"] for one_found in found)
        assert [place for place in places if place not in [(f["component"], f["variable"]) for f in found]] == []


async def test_names_are_the_same_whatever_their_case(database_url: str) -> None:
    async with bench(database_url) as one:
        await one.part(data("Interval", "5", "Ctrlr"))
        await one.part(data("INTERVAL", "6", "ctrlr"), request_id=2)
        assert await one.values() == {"INTERVAL Actual": "6"}
        assert len(await one.read(Filter(component="CTRLR", variable="interval"))) == 1


async def test_pages_follow_each_other_without_gap_or_overlap(database_url: str) -> None:
    async with bench(database_url) as one:
        await one.part(*(data(f"V{number}", str(number), f"C{number % 3}") for number in range(25)))
        seen: list[str] = []
        after: list[Any] | None = None
        while True:
            found, after = await one.models.read_page("CP_1", ANY, after, 10)
            seen += [variable["value"] for variable in found]
            if after is None:
                break
        assert sorted(seen, key=int) == [str(number) for number in range(25)]


async def test_filters_choose_component_variable_and_evse(database_url: str) -> None:
    async with bench(database_url) as one:
        of_evse = data("C") | {"component": {"name": "EVSE", "evse": {"id": 2}}}
        await one.part(data("A"), data("B"), data("A", component="Other"), of_evse)
        assert len(await one.read(Filter(component="Ctrlr"))) == 2
        assert len(await one.read(Filter(variable="A"))) == 2
        assert len(await one.read(Filter(component="Other", variable="A"))) == 1
        assert len(await one.read(Filter(evse_id=2))) == 1


class TestReports:
    async def test_parts_may_come_in_any_order_and_across_a_restart(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("C"), seq_no=2)
            await one.part(data("A"), seq_no=0, tbc=True)
        async with bench(database_url) as again:
            (report,) = again.models.reports_of("CP_1")
            assert (report.request_id, report.is_complete, report.missing) == (1, False, [1])
            assert (await again.part(data("B"), seq_no=1, tbc=True)).is_complete
            assert sorted(await again.values()) == ["A Actual", "B Actual", "C Actual"]

    async def test_a_part_that_comes_again_changes_nothing(self, database_url: str) -> None:
        async with bench(database_url) as one:
            for _ in range(3):
                await one.part(data("A"), seq_no=0, tbc=True)
            (report,) = one.models.reports_of("CP_1")
            assert (report.is_complete, report.missing) == (False, [])
            assert await one.values() == {"A Actual": "5"}

    async def test_a_report_may_be_empty(self, database_url: str) -> None:
        async with bench(database_url) as one:
            assert (await one.part()).is_complete
            assert await one.values() == {}

    async def test_b07_fr_14_a_full_inventory_that_is_complete_takes_the_place_of_all_before(
        self, database_url: str
    ) -> None:
        async with bench(database_url) as one:
            await one.part(data("Gone"), data("Stays", "1"))
            one.clock.time += timedelta(seconds=1)
            one.models.report_requested("CP_1", 2, "FullInventory")
            await one.part(data("Stays", "2"), request_id=2, tbc=True)
            assert sorted(await one.values()) == ["Gone Actual", "Stays Actual"]
            await one.part(data("New"), request_id=2, seq_no=1)
            assert await one.values() == {"New Actual": "5", "Stays Actual": "2"}

    async def test_a_full_inventory_survives_a_clock_that_is_set_back_while_it_comes(self, database_url: str) -> None:
        async with bench(database_url) as one:
            one.models.report_requested("CP_1", 1, "FullInventory")
            one.clock.time -= timedelta(hours=1)
            await one.part(data("A"), tbc=True)
            await one.part(data("B"), seq_no=1)
            assert sorted(await one.values()) == ["A Actual", "B Actual"]

    @pytest.mark.parametrize("report_base", ["ConfigurationInventory", "SummaryInventory", None])
    async def test_any_other_report_leaves_the_rest_as_it_is(self, database_url: str, report_base: str | None) -> None:
        async with bench(database_url) as one:
            await one.part(data("Old"))
            one.clock.time += timedelta(seconds=1)
            one.models.report_requested("CP_1", 2, report_base)
            await one.part(data("New"), request_id=2)
            assert sorted(await one.values()) == ["New Actual", "Old Actual"]

    async def test_an_id_that_is_asked_for_again_is_another_report(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data())
            one.models.report_requested("CP_1", 1, "FullInventory")
            (report,) = one.models.reports_of("CP_1")
            assert (report.is_complete, report.report_base) == (False, "FullInventory")

    async def test_the_answer_to_the_request_is_shown(self, database_url: str) -> None:
        async with bench(database_url) as one:
            one.models.report_requested("CP_1", 1, "FullInventory")
            await one.models.report_answered(one.station, 1, "NotSupported")
        async with bench(database_url) as again:
            assert [report.status for report in again.models.reports_of("CP_1")] == ["NotSupported"]

    async def test_the_latest_ten_are_kept(self, database_url: str) -> None:
        async with bench(database_url) as one:
            for request_id in range(1, 15):
                await one.part(data(), request_id=request_id)
        async with bench(database_url) as again:
            assert [report.request_id for report in again.models.reports_of("CP_1")] == list(range(14, 4, -1))

    async def test_a_part_that_could_not_be_stored_is_missing_until_it_comes_again(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("A"), tbc=True)
            one.store.writer.close()
            with pytest.raises(StoreUnavailable):
                await one.part(data("B"), seq_no=1)
            (report,) = one.models.reports_of("CP_1")
            assert (report.is_complete, report.missing) == (False, [1])


class TestWhetherAnInventoryIsNeeded:
    async def test_it_is_until_one_is_complete(self, database_url: str) -> None:
        async with bench(database_url) as one:
            assert one.models.needs_inventory("CP_1")
            await one.part(data())  # a report nobody asked for
            assert one.models.needs_inventory("CP_1")
            one.models.report_requested("CP_1", 2, "FullInventory")
            await one.part(data(), request_id=2)
        async with bench(database_url) as again:
            again.clock.time += timedelta(days=100)
            assert not again.models.needs_inventory("CP_1")

    async def test_it_is_not_while_one_is_coming_but_is_when_that_has_stalled(self, database_url: str) -> None:
        async with bench(database_url) as one:
            one.models.report_requested("CP_1", 1, "FullInventory")
            await one.part(data(), tbc=True)
            assert not one.models.needs_inventory("CP_1")
            one.clock.time += timedelta(minutes=11)
            assert one.models.needs_inventory("CP_1")

    async def test_it_is_when_the_station_would_not_give_it(self, database_url: str) -> None:
        async with bench(database_url) as one:
            one.models.report_requested("CP_1", 1, "FullInventory")
            await one.models.report_answered(one.station, 1, "Rejected")
            assert one.models.needs_inventory("CP_1")

    async def test_it_is_when_the_station_has_changed(self, database_url: str) -> None:
        async with bench(database_url) as one:
            one.models.report_requested("CP_1", 1, "FullInventory")
            await one.part(data())
            await one.store.commit(*one.models.forget_inventory("CP_1"))
            assert one.models.needs_inventory("CP_1")
        async with bench(database_url) as again:
            assert again.models.needs_inventory("CP_1")


class TestValues:
    async def test_b06_fr_10_a_value_that_was_read_is_kept_and_what_was_reported_of_it_stays(
        self, database_url: str
    ) -> None:
        async with bench(database_url) as one:
            await one.part(data("A", mutability="ReadOnly"))
            await one.models.values_received(one.station, [result("A", "7"), result("B", "8", attributeType="Target")])
            assert await one.values() == {"A Actual": "7", "B Target": "8"}
            known, new = await one.read()
            assert (known["mutability"], known["characteristics"]) == ("ReadOnly", CHARACTERISTICS)
            assert (new["mutability"], new["characteristics"]) == (None, None)

    @pytest.mark.parametrize("status", ["Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"])
    async def test_what_could_not_be_read_or_set_changes_nothing(self, database_url: str, status: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("A"))
            await one.models.values_received(one.station, [result("A", None, status), result("B", None, status)])
            await one.models.values_set(one.station, [wish("A", "9")], [result("A", None, status)])
            assert await one.values() == {"A Actual": "5"}

    async def test_b05_fr_10_a_value_that_was_set_is_kept(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("A"))
            asked = [wish("A", "6"), wish("B", "7"), wish("A", "9", attributeType="MaxSet")]
            answers = [result("a", None), result("B", None), result("A", None, attributeType="MaxSet")]
            await one.models.values_set(one.station, asked, answers)
            assert sorted((await one.values()).values()) == ["6", "7", "9"]

    async def test_a_value_that_takes_a_reboot_is_marked_until_that(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.models.values_set(one.station, [wish("A", "6")], [result("A", None, "RebootRequired")])
            (found,) = await one.read()
            assert (found["value"], found["reboot_required"]) == ("6", True)
            await one.store.commit(one.models.rebooted("CP_1"))
            (found,) = await one.read()
            assert (found["value"], found["reboot_required"]) == ("6", False)

    async def test_a_value_set_without_a_reboot_undoes_the_mark(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.models.values_set(one.station, [wish("A", "6")], [result("A", None, "RebootRequired")])
            await one.models.values_set(one.station, [wish("A", "7")], [result("A", None)])
            (found,) = await one.read()
            assert (found["value"], found["reboot_required"]) == ("7", False)


class TestSecrets:
    @pytest.mark.parametrize("name", ["BasicAuthPassword", "basicauthpassword", "VendorPassword"])
    async def test_a00_fr_205_the_value_of_a_password_is_never_kept(self, database_url: str, name: str) -> None:
        async with bench(database_url) as one:
            await one.part(data(name, "s3cret"))
            await one.models.values_received(one.station, [result(name, "s3cret")])
            await one.models.values_set(one.station, [wish(name, "s3cret")], [result(name, None)])
            assert "s3cret" not in str(await one.read())

    async def test_b07_fr_03_nor_is_that_of_what_is_write_only(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("Key", "s3cret", mutability="WriteOnly"))
            await one.models.values_set(one.station, [wish("Key", "s3cret")], [result("Key", None)])
            assert await one.values() == {"Key Actual": None}

    async def test_what_turns_out_to_be_write_only_is_forgotten(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.models.values_set(one.station, [wish("Key", "s3cret")], [result("Key", None)])
            await one.part(data("Key", None, mutability="WriteOnly"))
            assert await one.values() == {"Key Actual": None}


class TestWhatADatabaseMayNotTake:
    async def test_text_with_nul_is_kept_without_it(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("A\x00", "5\x00"))
            assert [found["value"] for found in await one.read()] == ["5\ufffd"]

    async def test_letters_that_grow_when_they_are_made_small_are_kept(self, database_url: str) -> None:
        async with bench(database_url) as one:
            await one.part(data("İ" * 50))
            assert len(await one.read(Filter(variable="İ" * 50))) == 1


async def test_the_limits_of_a_station_are_those_it_has_reported(database_url: str) -> None:
    async with bench(database_url) as one:

        def limit(name: str, instance: str, value: str) -> dict[str, Any]:
            reported = data(name, value, "DeviceDataCtrlr")
            return reported | {"variable": {"name": name, "instance": instance}}

        await one.part(
            limit("ItemsPerMessage", "GetVariables", "4"),
            limit("BytesPerMessage", "GetVariables", "900"),
            limit("ItemsPerMessage", "SetVariables", "many"),
            limit("ValueSize", "SetVariables", "7"),
        )
        assert await one.models.limits("CP_1") == {
            ("itemspermessage", "getvariables"): 4,
            ("bytespermessage", "getvariables"): 900,
        }
        assert await one.models.limits("CP_2") == {}


async def test_with_the_station_its_variables_and_reports_go(database_url: str) -> None:
    async with bench(database_url) as one:
        await one.part(data())
        await one.registry.remove(one.station)
        one.models.forget("CP_1")
        assert one.models.reports_of("CP_1") == []
        await one.part(data())  # it has not hung up yet
        one.models.forget("CP_1")
    async with bench(database_url) as again:
        assert await again.read() == []
        assert again.models.reports_of("CP_1") == []
