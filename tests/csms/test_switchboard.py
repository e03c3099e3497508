"""Who is connected, and how a call finds its way to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from csms.switchboard import Seat, Switchboard
from tests.csms.site import OpenSite, Site, settle


@dataclass(eq=False)
class Connection:
    """As much of a connection as the switchboard needs to seat it."""

    station_id: str


def new_seat() -> Seat:
    """A connection of CP_1."""
    return cast(Seat, Connection("CP_1"))


STEPS = st.lists(st.tuples(st.sampled_from(["come", "speak", "leave"]), st.integers(0, 3)), max_size=40)


@given(STEPS)
def test_of_all_connections_of_one_identity_the_seat_is_the_last_that_spoke_or_the_oldest_left(
    steps: list[tuple[str, int]],
) -> None:
    """Against a model: at most one is seated and one stands; whoever ends, only its own entry goes."""
    switchboard = Switchboard()
    alive: list[Seat] = []  # those that were not told to go, oldest first: who sits, and who stands
    ended: list[Seat] = []
    for what, which in steps:
        if what == "come":
            newest = new_seat()
            dismissed = switchboard.join(newest)
            assert dismissed is (alive[1] if len(alive) == 2 else None)
            ended += alive[1:]
            alive = [*alive[:1], newest]
        elif alive and what == "speak":
            speaker = alive[which % len(alive)]
            replaced = switchboard.take_over(speaker)
            assert replaced is (alive[0] if speaker is not alive[0] else None)
            if replaced is not None:
                ended.append(alive.pop(0))
        elif what == "leave" and (everybody := alive + ended):
            gone = everybody[which % len(everybody)]
            switchboard.leave(gone)
            (alive if gone in alive else ended).remove(gone)
        assert switchboard.seats() == alive
        assert switchboard.find("CP_1") is (alive[0] if alive else None)
        assert switchboard.station_ids() == (["CP_1"] if alive else [])


def test_one_that_is_over_can_take_no_seat() -> None:
    switchboard = Switchboard()
    first, second = new_seat(), new_seat()
    switchboard.join(first)
    switchboard.join(second)
    switchboard.leave(second)
    assert switchboard.take_over(second) is None
    assert switchboard.find("CP_1") is first


class TestACall:
    async def test_waits_its_turn_behind_earlier_ones(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = []
        for number in range(5):
            asking.append(site.call_later("GetTransactionStatus", {"transactionId": str(number)}))
            await settle()
        for number in range(5):
            await settle()
            assert len(station.unread()) == 1  # never a CALL before the last was answered (Part 4 §4.1.1)
            request = await station.answer("GetTransactionStatus", {"messagesInQueue": number % 2 == 0})
            assert request == {"transactionId": str(number)}
        answers = [(await one.get()).json["result"]["messagesInQueue"] for one in asking]
        assert answers == [True, False, True, False, True]

    async def test_beyond_what_may_wait_fails_at_once(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = [site.call_later("ClearCache") for _ in range(50)]
        await settle()
        refused = [await one.get() for one in asking if one.is_done]
        assert len(refused) == 50 - 33  # one under way, 32 wait
        assert {answer.status for answer in refused} == {503}
        assert "too many calls wait for CP_1" in refused[0].json["detail"]
        for _ in range(33):
            await station.answer("ClearCache", {"status": "Accepted"})
        assert [(await one.get()).status for one in asking].count(200) == 33

    async def test_to_another_station_waits_for_nobody(self, site: Site) -> None:
        await site.connect_ready("CP_1")
        other = await site.connect_ready("CP_2")
        for _ in range(40):
            site.call_later("ClearCache", identity="CP_1")
        asking = site.call_later("ClearCache", identity="CP_2")
        await other.answer("ClearCache", {"status": "Accepted"})
        assert (await asking.get()).status == 200

    async def test_that_is_not_answered_times_out_and_the_next_one_goes(self, site: Site) -> None:
        station = await site.connect_ready()
        first = site.call_later("ClearCache")
        await station.expect("ClearCache")
        assert (await first.get()).status == 504
        assert trio.current_time() == 30
        second = site.call_later("GetLocalListVersion")
        await station.answer("GetLocalListVersion", {"versionNumber": 1})
        assert (await second.get()).status == 200

    async def test_that_waited_too_long_is_never_sent(self, site: Site) -> None:
        station = await site.connect_ready()
        first = site.call_later("ClearCache")
        await station.expect("ClearCache")
        await trio.sleep(29)
        second = site.call_later("GetLocalListVersion")
        third = site.call_later("GetLocalListVersion")
        assert (await first.get()).status == 504
        await station.expect("GetLocalListVersion")
        assert [(await second.get()).status, (await third.get()).status] == [504, 504]
        await trio.sleep(60)
        assert station.unread() == []

    async def test_whose_asker_went_away_is_not_sent_when_it_still_waits(self, site: Site) -> None:
        station = await site.connect_ready()
        first = site.call_later("ClearCache")
        await settle()
        second = site.call_later("GetLocalListVersion")
        await settle()
        second.give_up()
        await station.answer("ClearCache", {"status": "Accepted"})
        assert (await first.get()).status == 200
        await settle()
        assert station.unread() == []

    async def test_whose_asker_went_away_keeps_its_turn_until_it_is_answered(self, site: Site) -> None:
        """Part 4 §4.1.1."""
        station = await site.connect_ready()
        first = site.call_later("ClearCache")
        await settle()
        first.give_up()
        second = site.call_later("GetLocalListVersion")
        await settle()
        assert len(station.unread()) == 1
        await station.answer("ClearCache", {"status": "Accepted"})
        await station.answer("GetLocalListVersion", {"versionNumber": 1})
        assert (await second.get()).status == 200

    async def test_whose_asker_went_away_keeps_its_turn_until_it_times_out(self, site: Site) -> None:
        """Part 4 §4.1.1."""
        station = await site.connect_ready()
        first = site.call_later("ClearCache")
        await station.expect("ClearCache")
        first.give_up()
        await trio.sleep(29)
        second = site.call_later("GetLocalListVersion")
        await settle()
        assert station.unread() == []
        await station.answer("GetLocalListVersion", {"versionNumber": 1})
        assert trio.current_time() == 30
        assert (await second.get()).status == 200

    async def test_fails_as_soon_as_a_station_that_fell_silent_has_not_answered_a_ping(
        self, open_site: OpenSite
    ) -> None:
        site = open_site(ping_interval=3)
        station = await site.connect_ready()
        asking = [site.call_later("ClearCache") for _ in range(3)]
        await station.expect("ClearCache")
        station.fall_silent()
        assert [(await one.get()).status for one in asking] == [503, 503, 503]
        assert trio.current_time() == 6

    @pytest.mark.parametrize("goodbye", [True, False])
    async def test_fails_at_once_when_the_station_goes_and_is_not_replayed(self, site: Site, goodbye: bool) -> None:
        station = await site.connect_ready()
        asking = [site.call_later("ClearCache") for _ in range(3)]
        await station.expect("ClearCache")
        if goodbye:
            await station.hang_up()
        else:
            await station.vanish()
        assert [(await one.get()).status for one in asking] == [503, 503, 503]
        assert trio.current_time() == 0
        again = await site.connect()
        await again.ask("Heartbeat")
        await settle()
        assert again.unread() == []

    async def test_that_is_answered_late_is_over(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        station = await site.connect_ready()
        first = site.call_later("ClearCache")
        message_id, _ = await station.expect("ClearCache")
        assert (await first.get()).status == 504
        second = site.call_later("ClearCache")
        await settle()
        await station.send([3, message_id, {"status": "Accepted"}])
        await settle()
        assert not second.is_done
        await station.answer("ClearCache", {"status": "Rejected"})
        answer: Any = (await second.get()).json
        assert answer == {"result": {"status": "Rejected"}}
        assert f"CP_1: the answer to ClearCache {message_id} came late" in caplog.messages
