"""/api/v1/stations: what the registry is asked and told beside the entry of one station, and what it never tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.csms.site import PASSWORD, Site, settle

STATIONS = "/api/v1/stations"
STATION = f"{STATIONS}/CP_1"


async def listed(site: Site, query: str = "") -> list[str]:
    """The identities in a list."""
    return [one["station_id"] for one in (await site.get(f"{STATIONS}{query}")).json["stations"]]


class TestPages:
    async def test_follow_each_other_by_identity(self, site: Site) -> None:
        identities = sorted(f"CP_{number}" for number in range(12))
        for identity in identities:
            await site.put(f"{STATIONS}/{identity}", {})
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await site.get(f"{STATIONS}?limit=5{cursor}")).json
            seen += [one["station_id"] for one in page["stations"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == identities

    async def test_of_none_there_is_one_which_is_empty(self, site: Site) -> None:
        assert (await site.get(STATIONS)).json == {"stations": [], "next_cursor": None}

    async def test_that_are_just_full_are_the_last(self, site: Site) -> None:
        for identity in ("CP_1", "CP_2"):
            await site.put(f"{STATIONS}/{identity}", {})
        assert (await site.get(f"{STATIONS}?limit=2")).json["next_cursor"] is None


class TestFilters:
    async def test_choose_by_connection_and_registration(self, site: Site) -> None:
        await site.connect_ready("CP_1")
        await site.put(f"{STATIONS}/CP_2", {"registration": "Pending"})
        await site.put(f"{STATIONS}/CP_3", {})
        assert await listed(site, "?connected=true") == ["CP_1"]
        assert await listed(site, "?connected=false") == ["CP_2", "CP_3"]
        assert await listed(site, "?registration=Pending") == ["CP_2"]
        assert await listed(site, "?registration=Accepted&connected=false") == ["CP_3"]
        assert await listed(site, "?registration=Accepted&limit=1") == ["CP_1"]

    @pytest.mark.parametrize("query", ["connected=1", "registration=accepted", "limit=0", "cursor=x"])
    async def test_that_make_no_sense_are_422(self, site: Site, query: str) -> None:
        assert (await site.get(f"{STATIONS}?{query}")).status == 422


class TestItemsPerMessage:
    async def test_are_put_patched_and_shown(self, site: Site) -> None:
        put = await site.put(STATION, {"items_per_message": {"GetVariables": 10, "SetVariables": 5}})
        assert put.json["items_per_message"] == {"GetVariables": 10, "SetVariables": 5}
        patched = await site.patch(STATION, {"items_per_message": {"GetVariables": 3}})
        assert patched.json["items_per_message"] == {"GetVariables": 3}
        assert (await site.patch(STATION, {})).json["items_per_message"] == {"GetVariables": 3}
        assert (await site.put(STATION, {})).json["items_per_message"] == {}

    @pytest.mark.parametrize("items", [{"GetVariables": 0}, {"GetVariables": "3"}, [3], {"x" * 41: 1}, None])
    async def test_that_make_no_sense_are_422(self, site: Site, items: Any) -> None:
        assert (await site.put(STATION, {"items_per_message": items})).status == 422


class TestSecrets:
    async def test_neither_passwords_nor_their_hashes_leave(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        answers = [await site.put(STATION, {"password": "the-operator-s-1"}), await site.get(STATION)]
        answers += [await site.patch(STATION, {"password": "the-operator-s-2"}), await site.get(STATIONS)]
        await site.connect("CP_2")
        answers.append(await site.get(f"{STATIONS}/CP_2"))
        told = "".join(answer.text for answer in answers) + caplog.text
        for secret in ("the-operator-s", PASSWORD, "hash of"):
            assert secret not in told


class TestWithoutADatabase:
    async def test_nothing_is_changed_and_the_answer_is_503(self, site: Site) -> None:
        before = (await site.put(STATION, {})).json
        site.store.writer.close()
        for method, body in (("PUT", {"security_profile": 2}), ("PATCH", {"security_profile": 2}), ("DELETE", None)):
            answer = await site.ask(method, STATION, body)
            assert answer.status == 503
            assert "database" in answer.json["detail"]
        assert (await site.get(STATION)).json == before

    async def test_a_station_whose_password_cannot_be_kept_is_asked_to_come_again(self, site: Site) -> None:
        site.store.writer.close()
        with pytest.raises(Exception, match="The database does not answer"):
            await site.connect()
        await settle()
        assert await listed(site) == []


class TestDelete:
    async def test_what_belongs_to_the_entry_is_gone_for_good(self, site: Site) -> None:
        await site.connect_ready()
        await site.delete(STATION)
        await site.restart()
        assert await listed(site) == []
        shown = (await site.put(STATION, {})).json
        assert (shown["connectors"], shown["charging_station"], shown["has_password"]) == ([], {}, False)


class TestRegistration:
    async def test_decided_while_the_station_boots_holds(self, site: Site) -> None:
        station = await site.connect()
        booting = {"chargingStation": {"model": "M", "vendorName": "V"}, "reason": "PowerUp"}
        await station.send([2, "boot", "BootNotification", booting])
        await site.patch(STATION, {"registration": "Rejected"})
        await settle()
        again = await site.connect()
        assert (await again.call("Heartbeat"))[2] == "SecurityError"
        await site.restart()
        assert (await (await site.connect()).call("Heartbeat"))[2] == "SecurityError"
