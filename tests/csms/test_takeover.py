"""Two connections of one identity: which of them is the station.

The newer takes over with its first OCPP message, or as soon as the old one fails to answer a ping sent at that moment;
until then the old one keeps working; whichever ends, only its own entry goes.
"""

from __future__ import annotations

import pytest
import trio

from tests.csms.fake_station import FakeStation
from tests.csms.site import Site, settle


async def listed(site: Site) -> list[str]:
    await settle()
    return list((await site.get("/list")).json["cp_ids"])


async def reaches(site: Site, station: FakeStation) -> bool:
    """Whether REST reaches the station through this connection."""
    asking = site.call_later("ClearCache")
    await settle()
    if not any(frame[0] == 2 for frame in station.unread()):
        asking.give_up()
        return False
    await station.answer("ClearCache", {"status": "Accepted"})
    return (await asking.get()).status == 200


async def is_served(station: FakeStation) -> bool:
    """Whether what the station sends is answered."""
    return "currentTime" in await station.ask("Heartbeat")


class TestUntilTheNewerOneSpeaks:
    async def test_the_old_one_is_served_and_reached(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        assert await is_served(old)
        assert await reaches(site, old)
        assert new.unread() == []
        assert await listed(site) == ["CP_1"]

    async def test_the_old_one_that_answers_pings_stays_however_long_it_takes(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        await trio.sleep(1000)
        assert (old.closed, new.closed) == (None, None)
        assert await reaches(site, old)

    async def test_what_is_no_ocpp_message_does_not_count(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        await new.send_text("hello?")
        assert (await new.receive())[0] == 4
        assert old.closed is None
        assert await reaches(site, old)

    async def test_it_may_go_again_and_nothing_has_changed(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        await new.vanish()
        assert await listed(site) == ["CP_1"]
        assert await is_served(old)
        assert await reaches(site, old)


class TestItsFirstMessage:
    async def test_makes_it_the_station_and_closes_the_old_one(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        assert await is_served(new)
        assert (await old.goodbye()).code == 1008
        assert await reaches(site, new)
        assert await listed(site) == ["CP_1"]

    async def test_counts_even_when_it_is_refused(self, site: Site) -> None:
        old = await site.connect()
        new = await site.connect()
        assert (await new.call("Heartbeat"))[2] == "SecurityError"
        assert (await old.goodbye()).code == 1008
        assert await reaches(site, new)

    async def test_may_be_a_boot(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        assert (await new.boot())["status"] == "Accepted"
        await old.goodbye()
        assert site.state() == "PoweredUp"
        await new.report_status()
        assert site.state() == "Ready"

    async def test_ends_what_waits_for_the_old_one_and_nothing_of_it_reaches_the_new_one(self, site: Site) -> None:
        old = await site.connect_ready()
        waiting = [site.call_later("ClearCache") for _ in range(3)]
        await old.expect("ClearCache")
        new = await site.connect()
        assert await is_served(new)
        started = trio.current_time()
        assert [(await call.get()).status for call in waiting] == [503, 503, 503]
        assert trio.current_time() - started <= 2
        assert new.unread() == []

    async def test_makes_it_the_station_though_the_old_one_does_not_read(self, site: Site) -> None:
        old = await site.connect_ready()
        old.fall_silent()
        new = await site.connect()
        assert await is_served(new)
        assert await reaches(site, new)


class TestAnOldOneThatIsDead:
    async def test_is_replaced_when_it_has_not_answered_a_ping(self, site: Site) -> None:
        old = await site.connect_ready()
        old.fall_silent()
        new = await site.connect()
        await trio.sleep(11)
        assert await reaches(site, new)
        assert await listed(site) == ["CP_1"]
        assert await is_served(new)

    async def test_and_whose_end_comes_late_leaves_the_new_ones_entry(self, site: Site) -> None:
        old = await site.connect_ready()
        old.fall_silent()
        new = await site.connect()
        await trio.sleep(1000)
        await old.vanish()
        assert await listed(site) == ["CP_1"]
        assert await reaches(site, new)

    async def test_that_dies_after_it_answered_is_found_by_its_own_pings(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        await trio.sleep(5)
        old.fall_silent()
        await trio.sleep(70)
        assert await reaches(site, new)


class TestWhicheverEnds:
    async def test_the_old_ones_late_end_leaves_the_new_ones_entry(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        assert await is_served(new)
        await old.goodbye()
        await old.vanish()
        assert await listed(site) == ["CP_1"]
        assert await reaches(site, new)

    async def test_the_new_one_follows_an_old_one_that_goes(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        await old.hang_up()
        assert await listed(site) == ["CP_1"]
        assert await reaches(site, new)
        assert await is_served(new)

    async def test_of_both_nothing_is_left(self, site: Site) -> None:
        old = await site.connect_ready()
        new = await site.connect()
        await old.vanish()
        await new.vanish()
        assert await listed(site) == []
        assert site.csms.switchboard.seats() == []


class TestThreeConnections:
    async def test_of_which_the_second_waits_no_longer_when_the_third_comes(self, site: Site) -> None:
        first = await site.connect_ready()
        second = await site.connect()
        third = await site.connect()
        assert (await second.goodbye()).code == 1008
        assert await reaches(site, first)
        assert await is_served(third)
        assert (await first.goodbye()).code == 1008
        assert await reaches(site, third)
        assert await listed(site) == ["CP_1"]

    @pytest.mark.parametrize("dead", ["first", "second", "both"])
    async def test_of_which_the_older_ones_are_dead(self, site: Site, dead: str) -> None:
        first = await site.connect_ready()
        second = await site.connect()
        if dead in ("first", "both"):
            first.fall_silent()
        if dead in ("second", "both"):
            second.fall_silent()
        third = await site.connect()
        if dead == "second":
            assert await is_served(third)
        await trio.sleep(15)
        assert await reaches(site, third)
        assert await listed(site) == ["CP_1"]
        await third.hang_up()
        assert await listed(site) == []

    async def test_each_of_which_speaks_in_turn(self, site: Site) -> None:
        await site.connect_ready()
        for _ in range(3):
            newest = await site.connect()
            assert await is_served(newest)
            assert await reaches(site, newest)
        assert await listed(site) == ["CP_1"]
        assert len(site.csms.switchboard.seats()) == 1


async def test_another_identity_is_another_station(site: Site) -> None:
    first = await site.connect_ready("CP_1")
    second = await site.connect_ready("CP_2")
    assert await listed(site) == ["CP_1", "CP_2"]
    assert await is_served(first)
    await second.vanish()
    assert await listed(site) == ["CP_1"]
