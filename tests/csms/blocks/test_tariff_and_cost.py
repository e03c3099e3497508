"""I Tariff and cost: what a station is told, and what an operator sees."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.csms.blocks.transactions.charging import Payload, event, session, token
from tests.csms.fake_station import FakeStation
from tests.csms.site import Site

TARIFF = "/api/v1/tariffs/default"
PRICES = {"currency": "EUR", "energy_price": 0.4, "time_price": 6, "start_price": 0.5}


async def told(station: FakeStation, *payloads: Payload) -> list[float | None]:
    """The totalCost of each answer."""
    return [(await station.ask("TransactionEvent", payload)).get("totalCost") for payload in payloads]


async def shown(site: Site, transaction_id: str = "T1") -> tuple[float | None, str | None]:
    transaction = (await site.get(f"/api/v1/transactions/CP_1/{transaction_id}")).json
    return transaction["total_cost"], transaction["currency"]


async def test_i03_fr_02_the_answer_to_ended_tells_the_total_cost(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    costs = await told(station, *session(5))  # 1 kWh within 4 minutes
    assert costs[-1] == 0.5 + 0.4 + 0.4
    assert await shown(site) == (1.3, "EUR")
    [(_, _, ended)] = await site.events("transaction.ended")
    assert (ended["total_cost"], ended["currency"]) == (1.3, "EUR")


async def test_i02_fr_01_the_answer_to_updated_tells_the_cost_so_far(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    start, authorized, update, late, _ = session(5)
    assert await told(station, start) == [None]
    assert await told(station, authorized, update | {"meterValue": event(seq_no=2, wh=1500)["meterValue"]}) == [
        0.6,
        0.9,
    ]
    assert await told(station, late | {"offline": True}) == [None]
    assert await shown(site) == (None, None)


async def test_i03_fr_04_a_free_transaction_costs_nothing_one_without_tariff_has_no_cost(
    site: Site, autojump_clock: MockClock
) -> None:
    station = await site.connect_ready("CP_1")
    assert await told(station, *session(3, "T1")) == [None, None, None]
    assert await shown(site) == (None, None)
    await site.put(TARIFF, {"currency": "EUR", "energy_price": 0})
    assert (await told(station, *session(3, "T2")))[-1] == 0.0
    assert await shown(site, "T2") == (0.0, "EUR")


async def test_a_resent_ended_is_told_the_same_whatever_the_price_is_now(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    *_, end = session(5)
    costs = await told(station, *session(5))
    await site.put(TARIFF, PRICES | {"energy_price": 9})
    await site.restart()
    station = await site.connect_ready("CP_1")
    assert await told(station, end) == costs[-1:]


async def test_what_was_in_force_at_the_start_counts(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    await trio.sleep(10 * 60)  # it is 04:02 now
    await site.put(TARIFF, PRICES | {"energy_price": 1.4})
    station = await site.connect_ready("CP_1")
    assert (await told(station, *session(5, "T1")))[-1] == 1.3
    later: list[Payload] = [
        event("Started", 0, "T2", minute=3, wh=1000),
        event("Ended", 1, "T2", minute=7, wh=2000),
    ]
    assert (await told(station, *later))[-1] == 2.3
    assert (await shown(site, "T1"), await shown(site, "T2")) == ((1.3, "EUR"), (2.3, "EUR"))


async def test_a_cost_that_is_not_known_yet_is_not_told(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    start, authorized, update, late, end = session(5)
    assert await told(station, authorized, start, update, end) == [None, None, 0.71, None]
    assert await shown(site) == (None, None)
    assert await told(station, late) == [None]
    assert await shown(site) == (1.3, "EUR")


async def test_energy_nobody_has_metered_has_no_price(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    silent = [event("Started", 0, idToken=token()), event("Ended", 1)]
    assert await told(station, *silent) == [None, None]
    assert await shown(site) == (None, None)


def currency(value: str) -> Payload:
    return {
        "component": {"name": "TariffCostCtrlr"},
        "variable": {"name": "Currency"},
        "variableAttribute": [{"value": value}],
    }


async def report(station: FakeStation, value: str) -> None:
    payload = {"requestId": 1, "generatedAt": "2026-11-22T04:00:00Z", "seqNo": 0, "reportData": [currency(value)]}
    await station.ask("NotifyReport", payload)


@pytest.mark.parametrize(("reported", "is_told"), [("EUR", True), ("USD", False)])
async def test_a_station_that_shows_another_currency_is_told_no_amount(
    site: Site, autojump_clock: MockClock, caplog: Any, reported: str, is_told: bool
) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    await report(station, reported)
    costs = await told(station, *session(5))
    assert costs[-1] == (1.3 if is_told else None)
    assert ("TariffCostCtrlr.Currency is USD" in caplog.text) is not is_told
    assert await shown(site) == (1.3, "EUR")


async def test_a_currency_that_changes_is_noticed(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    await report(station, "USD")
    assert (await told(station, *session(5, "T1")))[-1] is None
    await report(station, "EUR")
    assert (await told(station, *session(5, "T2")))[-1] == 1.3


async def test_the_export_has_costs(site: Site, autojump_clock: MockClock) -> None:
    await site.put(TARIFF, PRICES)
    station = await site.connect_ready("CP_1")
    await told(station, *session(5))
    head, line = (await site.get("/api/v1/transactions?format=csv")).text.splitlines()
    assert head.endswith(",complete,total_cost,currency")
    assert line.endswith(",true,1.3,EUR")
