"""For those who run the CSMS: /healthz, /readyz and /metrics."""

from __future__ import annotations

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from csms.store import StoreUnavailable
from tests.csms.site import OpenSite, Site

Figures = dict[str, float]


async def figures(site: Site) -> Figures:
    """The value of each series."""
    answer = await site.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name + str(dict(sorted(sample.labels.items())) or ""): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


class TestReadiness:
    async def test_a_csms_that_does_not_listen_is_not_ready(self, site: Site) -> None:
        answer = await site.get("/readyz")
        assert answer.status == 503
        assert answer.json == {"status": "not ready", "database": "ok", "listeners": "not listening"}

    async def test_one_that_listens_and_whose_database_answers_is(self, site: Site) -> None:
        site.csms._is_listening = True  # noqa: SLF001 - nothing listens in memory
        answer = await site.get("/readyz")
        assert (answer.status, answer.json["status"]) == (200, "ready")

    async def test_one_whose_database_refuses_is_not_ready(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        async def refuse(_work: object) -> None:
            raise StoreUnavailable("database is locked")

        monkeypatch.setattr(site.store, "change", refuse)
        answer = await site.get("/readyz")
        assert (answer.status, answer.json["database"]) == (503, "database is locked")

    async def test_one_whose_database_takes_nothing_is_not_ready_until_it_does(self, site: Site) -> None:
        site.csms._is_listening = True  # noqa: SLF001 - nothing listens in memory
        site.break_store()
        answer = await site.get("/readyz")
        assert (answer.status, answer.json["database"]) == (503, "attempt to write a readonly database")
        site.mend_store()
        assert (await site.get("/readyz")).status == 200
        assert (await site.get("/api/v1/tokens")).json["tokens"] == [], "nobody sees that it was tried"

    async def test_one_whose_database_is_silent_is_not_ready(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        async def say_nothing(_work: object) -> None:
            await trio.sleep_forever()

        monkeypatch.setattr(site.store, "read", say_nothing)
        answer = await site.get("/readyz")
        assert (answer.status, answer.json["database"]) == (503, "no answer within 3 s")


class TestMetrics:
    async def test_stations_are_counted(self, site: Site) -> None:
        await site.connect_ready("CP_1")
        await site.connect_ready("CP_2")
        assert (await figures(site))["csms_stations_connected"] == 2

    async def test_messages_are_counted_by_direction_action_and_outcome(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.call("Heartbeat")
        await station.call("Heartbeat")
        later = site.call_later("Reset", {"type": "OnIdle"})
        await station.refuse("Reset", "NotSupported")
        await later.get()
        found = await figures(site)
        received = {"action": "Heartbeat", "direction": "received"}
        assert found[f"csms_messages_total{received | {'outcome': 'result'}}"] == 2
        assert found[f"csms_call_duration_seconds_count{received}"] == 2
        sent = {"action": "Reset", "direction": "sent", "outcome": "error"}
        assert found[f"csms_messages_total{sent}"] == 1

    async def test_a_station_cannot_make_up_series(self, site: Site) -> None:
        station = await site.connect_ready()
        for number in range(50):
            await station.call(f"Nonsense{number}")
        found = await figures(site)
        assert (
            found["csms_messages_total" + str({"action": "other", "direction": "received", "outcome": "error"})] == 50
        )
        assert not any("Nonsense" in name for name in found)

    async def test_commits_and_queues_are_shown(self, site: Site) -> None:
        await site.store.commit(site.csms.events.change("station.booted", "CP_1", {}))
        found = await figures(site)
        assert found["csms_commit_duration_seconds_count"] >= 1
        assert found["csms_commit_batch_size_sum"] >= 1
        assert found["csms_commit_rows_total"] >= 1
        for name in ("csms_writers_waiting", "csms_calls_waiting", "csms_message_log_waiting", "csms_event_readers"):
            assert name in found
        assert found["csms_message_log_dropped_total"] == 0

    async def test_two_systems_in_one_process_count_apart(self, open_site: OpenSite) -> None:
        first, second = open_site(), open_site()
        await first.connect_ready()
        assert (await figures(second))["csms_stations_connected"] == 0


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer token", 200),
        ("bearer token", 200),
        ("Bearer toke", 401),
        ("Bearer tokens", 401),
        ("Bearer \u00fcber", 401),
        ("Bearer", 401),
        ("Basic token", 401),
        ("", 401),
    ],
)
async def test_the_token_must_be_shown(open_site: OpenSite, authorization: str, status: int) -> None:
    site = open_site(api_token="token")
    assert (await site.get("/metrics", headers={"Authorization": authorization})).status == status
    assert (await site.get("/healthz")).status == 200
