"""/api/v1/stations/{id}/variables: the device model, and variables got and set (B05, B06)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.csms.fake_station import FakeStation
from tests.csms.rest import Answer, Asking
from tests.csms.site import Site, settle

STATION = "/api/v1/stations/CP_1"
VARIABLES = f"{STATION}/variables"


def names(*wanted: str, **more: Any) -> list[dict[str, Any]]:
    """Variables of one component."""
    return [{"component": {"name": "Ctrlr"}, "variable": {"name": name}} | more for name in wanted]


def got(asked: dict[str, Any]) -> dict[str, Any]:
    """The GetVariablesResponse of a station that can read all: each value is the name in small letters."""
    return {
        "getVariableResult": [
            {
                "component": one["component"],
                "variable": one["variable"],
                "attributeStatus": "Accepted",
                "attributeValue": one["variable"]["name"].lower(),
            }
            for one in asked["getVariableData"]
        ]
    }


async def give(station: FakeStation) -> list[str]:
    """Answer a GetVariables; which were asked for."""
    message_id, asked = await station.expect("GetVariables")
    await station.send([3, message_id, got(asked)])
    return [one["variable"]["name"] for one in asked["getVariableData"]]


async def ready(site: Site, **items: int) -> FakeStation:
    """CP_1, of which the operator says how many items it takes."""
    station = await site.connect_ready()
    await site.patch(STATION, {"items_per_message": items})
    return station


def get_later(site: Site, *wanted: str) -> Asking:
    return site.post_later(f"{VARIABLES}/get", {"variables": names(*wanted)})


def values(answer: Answer) -> list[str | None]:
    """The values in the answer; None where there is no result."""
    return [None if one is None else one["attributeValue"] for one in answer.json["variables"]]


async def tell_limits(station: FakeStation, name: str, **limits: int) -> None:
    """The station reports ItemsPerMessage or BytesPerMessage."""
    data = [
        {
            "component": {"name": "DeviceDataCtrlr"},
            "variable": {"name": name, "instance": action},
            "variableAttribute": [{"value": str(limit), "mutability": "ReadOnly"}],
            "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False},
        }
        for action, limit in limits.items()
    ]
    message = {"requestId": 1, "generatedAt": "2026-11-22T03:53:00Z", "seqNo": 0, "reportData": data}
    assert await station.ask("NotifyReport", message) == {}


class TestB06Get:
    async def test_b06_fr_10_the_results_come_back(self, site: Site) -> None:
        station = await ready(site)
        getting = get_later(site, "A", "B")
        assert await give(station) == ["A", "B"]
        answer = await getting.get()
        assert answer.status == 200
        assert answer.json == {"variables": got({"getVariableData": names("A", "B")})["getVariableResult"]}

    async def test_b06_fr_05_they_are_split_one_message_after_the_other_and_joined_in_order(self, site: Site) -> None:
        station = await ready(site, GetVariables=2)
        getting = get_later(site, "A", "B", "C", "D", "E")
        assert await give(station) == ["A", "B"]
        await settle()
        assert await give(station) == ["C", "D"]
        assert await give(station) == ["E"]
        assert values(await getting.get()) == ["a", "b", "c", "d", "e"]

    async def test_b06_fr_05_by_what_the_station_has_reported(self, site: Site) -> None:
        station = await site.connect_ready()
        await tell_limits(station, "ItemsPerMessage", GetVariables=3, SetVariables=1)
        getting = get_later(site, "A", "B", "C", "D")
        assert await give(station) == ["A", "B", "C"]
        assert await give(station) == ["D"]
        await getting.get()

    async def test_by_the_bytes_it_has_reported(self, site: Site) -> None:
        station = await site.connect_ready()
        await tell_limits(station, "BytesPerMessage", GetVariables=220)
        getting = get_later(site, "A", "B", "C", "D")
        count = 0
        while not getting.is_done:
            assert len(await give(station)) <= 2
            count += 1
            await settle()
        assert count == 2

    async def test_of_a_station_that_has_told_nothing_ten_at_once(self, site: Site) -> None:
        station = await site.connect_ready()
        getting = get_later(site, *(f"V{number}" for number in range(12)))
        assert len(await give(station)) == 10
        assert len(await give(station)) == 2
        await getting.get()

    async def test_b06_fr_02_results_in_another_order_find_their_variables(self, site: Site) -> None:
        station = await ready(site)
        getting = get_later(site, "A", "B", "C")
        message_id, asked = await station.expect("GetVariables")
        await station.send([3, message_id, {"getVariableResult": got(asked)["getVariableResult"][::-1]}])
        assert values(await getting.get()) == ["a", "b", "c"]

    @pytest.mark.parametrize("code", ["OccurrenceConstraintViolation", "FormatViolation"])
    async def test_b06_fr_16_a_message_that_is_too_large_goes_again_in_halves(self, site: Site, code: str) -> None:
        station = await ready(site)
        getting = get_later(site, "A", "B", "C", "D", "E")
        await station.refuse("GetVariables", code)
        assert await give(station) == ["A", "B"]
        await station.refuse("GetVariables", code)
        assert await give(station) == ["C"]
        assert await give(station) == ["D", "E"]
        assert values(await getting.get()) == ["a", "b", "c", "d", "e"]

    async def test_what_was_read_is_in_the_device_model(self, site: Site) -> None:
        station = await ready(site)
        getting = get_later(site, "A")
        await give(station)
        await getting.get()
        (shown,) = (await site.get(VARIABLES)).json["variables"]
        assert (shown["variable"], shown["value"]) == ({"name": "A"}, "a")


class TestB05Set:
    async def test_b05_fr_10_what_was_set_is_in_the_device_model(self, site: Site) -> None:
        station = await ready(site)
        setting = site.post_later(f"{VARIABLES}/set", {"variables": names("A", "B", "C", attributeValue="1")})
        asked = await station.answer(
            "SetVariables",
            {
                "setVariableResult": [
                    names("A")[0] | {"attributeStatus": "Accepted"},
                    names("B")[0] | {"attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "ReadOnly"}},
                    names("C")[0] | {"attributeStatus": "RebootRequired"},
                ]
            },
        )
        assert asked == {"setVariableData": names("A", "B", "C", attributeValue="1")}
        answer = await setting.get()
        assert [one["attributeStatus"] for one in answer.json["variables"]] == [
            "Accepted",
            "Rejected",
            "RebootRequired",
        ]
        shown = (await site.get(VARIABLES)).json["variables"]
        assert [(one["variable"]["name"], one["value"], one["reboot_required"]) for one in shown] == [
            ("A", "1", False),
            ("C", "1", True),
        ]
        await station.boot(reason="RemoteReset")
        shown = (await site.get(VARIABLES)).json["variables"]
        assert [one["reboot_required"] for one in shown] == [False, False]

    async def test_b05_fr_13_one_that_is_there_twice_is_set_twice_in_two_messages(self, site: Site) -> None:
        station = await ready(site)
        twice = [*names("A", attributeValue="1"), *names("A", attributeValue="2")]
        setting = site.post_later(f"{VARIABLES}/set", {"variables": twice})
        for value in ("1", "2"):
            asked = await station.answer(
                "SetVariables", {"setVariableResult": [names("A")[0] | {"attributeStatus": "Accepted"}]}
            )
            assert [one["attributeValue"] for one in asked["setVariableData"]] == [value]
        assert (await setting.get()).status == 200
        assert [one["value"] for one in (await site.get(VARIABLES)).json["variables"]] == ["2"]

    async def test_a00_fr_205_a_password_is_neither_kept_nor_logged(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        station = await ready(site)
        password = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        setting = site.post_later(f"{VARIABLES}/set", {"variables": [password | {"attributeValue": "s3cret-s3cret-1"}]})
        await station.answer("SetVariables", {"setVariableResult": [password | {"attributeStatus": "Accepted"}]})
        assert "s3cret" not in (await setting.get()).text
        report = {"variableAttribute": [{"value": "s3cret-s3cret-1"}], **password}
        message = {"requestId": 1, "generatedAt": "2026-11-22T03:53:00Z", "seqNo": 0, "reportData": [report]}
        await station.ask("NotifyReport", message)
        assert "s3cret" not in (await site.get(VARIABLES)).text
        assert "s3cret" not in caplog.text


class TestWhenItFailsMidway:
    async def test_a_callerror_is_told_with_what_came_before_and_what_was_not_sent(self, site: Site) -> None:
        station = await ready(site, GetVariables=2)
        getting = get_later(site, "A", "B", "C", "D", "E", "F")
        await give(station)
        await station.refuse("GetVariables", "InternalError", "out of order")
        answer = await getting.get()
        assert answer.status == 502
        assert answer.json["error"] == {"code": "InternalError", "description": "out of order", "details": {}}
        assert values(answer) == ["a", "b", None, None, None, None]
        told = {key: answer.json[key] for key in ("refused", "unknown", "not_sent")}
        assert told == {"refused": [2, 3], "unknown": [], "not_sent": [4, 5]}
        await settle()
        assert station.unread() == []

    async def test_no_answer_leaves_unknown_what_the_station_did(self, site: Site) -> None:
        station = await ready(site, GetVariables=1)
        getting = get_later(site, "A", "B", "C")
        await give(station)
        answer = await getting.get()
        assert answer.status == 504
        told = {key: answer.json[key] for key in ("refused", "unknown", "not_sent")}
        assert told == {"refused": [], "unknown": [1], "not_sent": [2]}

    async def test_a_station_that_goes_does_so_too(self, site: Site) -> None:
        station = await ready(site, GetVariables=1)
        getting = get_later(site, "A", "B")
        await station.expect("GetVariables")
        await station.vanish()
        answer = await getting.get()
        assert answer.status == 503
        told = {key: answer.json[key] for key in ("refused", "unknown", "not_sent")}
        assert told == {"refused": [], "unknown": [0], "not_sent": [1]}

    async def test_for_a_client_that_goes_nothing_more_is_sent(self, site: Site) -> None:
        station = await ready(site, GetVariables=1)
        getting = get_later(site, "A", "B", "C")
        await give(station)
        await settle()
        getting.give_up()
        await give(station)  # it was under way
        await getting.ended()
        await settle()
        assert station.unread() == []

    async def test_b06_fr_01_an_answer_with_too_few_results_is_told(self, site: Site) -> None:
        station = await ready(site)
        getting = get_later(site, "A", "B", "C")
        message_id, asked = await station.expect("GetVariables")
        await station.send([3, message_id, {"getVariableResult": got(asked)["getVariableResult"][1:2]}])
        answer = await getting.get()
        assert answer.status == 502
        assert values(answer) == [None, "b", None]
        assert answer.json["unknown"] == [0, 2]


class TestWhatIsNotSent:
    async def test_a_request_that_does_not_fit_the_schema_is_refused_whole(self, site: Site) -> None:
        station = await ready(site, GetVariables=1)
        wrong = {"component": {"name": "C"}}
        answer = await site.post(f"{VARIABLES}/get", {"variables": [*names("A"), wrong]})
        assert answer.status == 422
        assert answer.json["pointer"] == "/variables/1/variable"
        await settle()
        assert station.unread() == []

    @pytest.mark.parametrize("body", [{}, {"variables": []}, {"variables": "A"}, {"variables": ["A"]}, {"others": []}])
    async def test_nor_is_what_has_another_shape(self, site: Site, body: object) -> None:
        await ready(site)
        assert (await site.post(f"{VARIABLES}/get", body)).status == 422
        assert (await site.post(f"{VARIABLES}/set", body)).status == 422

    @pytest.mark.parametrize("data", ["[", "[1]", '{"variables": [{"component": {"name": 1e400}}]}'])
    async def test_nor_what_is_no_json_object(self, site: Site, data: str) -> None:
        await ready(site)
        assert (await site.ask("POST", f"{VARIABLES}/get", data=data)).status in (400, 422)

    async def test_a_number_of_any_size_does_no_harm(self, site: Site) -> None:
        await ready(site)
        variables = [{"component": {"name": "C", "evse": {"id": 2**70}}, "variable": {"name": "V"}}]
        answer = await site.post(f"{VARIABLES}/get", {"variables": variables})
        assert answer.status == 504, "it was sent, and the station says nothing to it"

    async def test_a_station_that_is_away_is_503_and_one_that_is_unknown_404(self, site: Site) -> None:
        body = {"variables": names("A")}
        assert (await site.post(f"{VARIABLES}/get", body)).status == 404
        await site.put(STATION, {})
        assert (await site.post(f"{VARIABLES}/get", body)).status == 503
        assert (await site.get("/api/v1/stations/CP_9/variables")).status == 404


class TestTheDeviceModel:
    async def test_comes_in_pages(self, site: Site) -> None:
        station = await ready(site)
        getting = get_later(site, *(f"V{number}" for number in range(10)))
        await give(station)
        await getting.get()
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await site.get(f"{VARIABLES}?limit=4{cursor}")).json
            seen += [one["value"] for one in page["variables"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == [f"v{number}" for number in range(10)]

    async def test_is_filtered(self, site: Site) -> None:
        station = await ready(site)
        await tell_limits(station, "ItemsPerMessage", GetVariables=3, SetVariables=1)
        shown = (await site.get(f"{VARIABLES}?component=devicedatactrlr&variable=ItemsPerMessage")).json["variables"]
        assert [one["value"] for one in shown] == ["3", "1"]
        assert shown[0]["characteristics"] == {"dataType": "integer", "supportsMonitoring": False}
        assert (await site.get(f"{VARIABLES}?component=Other")).json["variables"] == []
        assert (await site.get(f"{VARIABLES}?evse_id=1")).json["variables"] == []

    @pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", "evse_id=-1", "evse_id=99999999999"])
    async def test_a_query_that_makes_no_sense_is_422(self, site: Site, query: str) -> None:
        await ready(site)
        assert (await site.get(f"{VARIABLES}?{query}")).status == 422

    async def test_goes_with_the_station(self, site: Site) -> None:
        station = await ready(site)
        await tell_limits(station, "ItemsPerMessage", GetVariables=3)
        await site.delete(STATION)
        await site.put(STATION, {})
        shown = (await site.get(VARIABLES)).json
        assert (shown["variables"], shown["reports"]) == ([], [])


async def test_b07_fr_03_what_a_report_is_said_to_have_brought_can_be_read(site: Site) -> None:
    station = await site.connect_ready()
    site.hold_store()
    report = {
        "requestId": 1,
        "generatedAt": "2026-11-22T03:53:00Z",
        "seqNo": 0,
        "reportData": [
            {
                "component": {"name": "Ctrlr"},
                "variable": {"name": "A"},
                "variableAttribute": [{"value": "a"}],
            }
        ],
    }
    await station.send([2, "report", "NotifyReport", report])
    await settle()
    asking = site.ask_later("GET", VARIABLES)
    await settle()
    site.release_store()
    told = (await asking.get()).json
    assert [one["complete"] for one in told["reports"]] == [True]
    assert [one["value"] for one in told["variables"]] == ["a"]
