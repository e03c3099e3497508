"""C Authorization with a foreign station: what each token is answered, before and during a transaction."""

from __future__ import annotations

from typing import Any, Final

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    ForeignStation,
    csms_and_booted_station,
)
from tests.processes import Csms, Programs

GROUP: Final = {"id_token": "family-1", "type": "Central"}
MESSAGE: Final = {"content": "Guten Morgen", "format": "UTF8", "language": "de"}
TOKENS: Final[dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]]] = {
    ("ISO14443", "04A2B3C4D5E680"): (
        {"group_id": "family-1", "expires_at": "2099-12-31T23:59:59Z", "personal_message": MESSAGE, "language1": "de"},
        {
            "status": "Accepted",
            "group_id_token": GROUP,
            "cache_expiry_date_time": "2099-12-31T23:59:59.000Z",
            "personal_message": MESSAGE,
            "language1": "de",
        },
    ),
    ("ISO15693", "E0040150"): ({"status": "Blocked"}, {"status": "Blocked"}),
    ("eMAID", "DE8ACC12E46L89"): (
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"status": "Expired", "cache_expiry_date_time": "2020-01-01T00:00:00.000Z"},
    ),
    ("KeyCode", "1234"): (
        {"status": "Accepted", "charging_priority": 3},
        {"status": "Accepted", "charging_priority": 3},
    ),
    ("MacAddress", "001122334455"): (
        {"stations": {IDENTITY: [1, 2]}, "max_transactions": 1},
        {"status": "Accepted", "evse_id": [1, 2]},
    ),
    ("Local", "kiosk"): ({"stations": {"CP_9": []}}, {"status": "NotAtThisLocation"}),
    ("Central", "master"): (
        {"master_pass": True, "group_id": "masters"},
        {"status": "Accepted", "group_id_token": {"id_token": "masters", "type": "Central"}},
    ),
}
"""What an operator says of each token, and what a station is answered."""


async def put_tokens(csms: Csms) -> None:
    """Have the CSMS know them."""
    for (token_type, id_token), (entry, _) in TOKENS.items():
        answer = await csms.rest.put(f"/api/v1/tokens/{token_type}/{id_token}", json=entry)
        assert answer.status_code == 201


async def authorize(station: ForeignStation, token_type: str, id_token: str) -> dict[str, Any]:
    """Send Authorize: the idTokenInfo."""
    info: dict[str, Any] = (await station.call("Authorize", id_token={"id_token": id_token, "type": token_type}))[
        "id_token_info"
    ]
    return info


async def test_c01_to_c06_each_token_is_answered_what_the_operator_says_of_it(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs)
    await put_tokens(csms)
    for (token_type, id_token), (_, info) in TOKENS.items():
        assert await authorize(station, token_type, id_token) == info
        assert await authorize(station, token_type, id_token.lower()) == info, "an identifierString has no case"
    assert await authorize(station, "ISO14443", "nobody's") == {"status": "Unknown"}, "C01.FR.06"
    assert await authorize(station, "eMAID", "04A2B3C4D5E680") == {"status": "Unknown"}, "of another type"
    assert await authorize(station, "NoAuthorization", "") == {"status": "Accepted"}, "C02.FR.02"

    listed = (await csms.get("/api/v1/tokens", limit=100))["tokens"]
    assert {(one["type"], one["id_token"]) for one in listed} == TOKENS.keys(), "to be asked for makes none known"
    assert [one["id_token"] for one in (await csms.get("/api/v1/tokens", group_id="family-1"))["tokens"]] == [
        "04A2B3C4D5E680"
    ]
    spoken = 2 * len(TOKENS) + 3
    told = await csms.shows(
        f"{STATION}/messages", lambda body: len(body["messages"]) == spoken, action="Authorize", limit=100
    )
    asked = [(one["request"]["idToken"]["type"], one["request"]["idToken"]["idToken"]) for one in told["messages"]]
    assert ("ISO14443", "04A2B3C4D5E680") in asked
    assert {id_token for token_type, id_token in asked if token_type == "KeyCode"} == {"***"}, "C04.FR.04"

    await csms.rest.put("/api/v1/tokens/ISO14443/04A2B3C4D5E680", json={"status": "Blocked"})
    assert await authorize(station, "ISO14443", "04A2B3C4D5E680") == {"status": "Blocked"}
    assert (await csms.rest.delete("/api/v1/tokens/ISO14443/04a2b3c4d5e680")).status_code == 204
    assert await authorize(station, "ISO14443", "04A2B3C4D5E680") == {"status": "Unknown"}

    await station.will_answer("ClearCache", status="Accepted")
    assert await csms.call(IDENTITY, "ClearCache", {}) == (200, {"result": {"status": "Accepted"}}), "C11"
    await station.will_answer("ClearCache", status="Rejected")
    assert await csms.call(IDENTITY, "ClearCache", {}) == (200, {"result": {"status": "Rejected"}})


async def test_c_e_a_transaction_tells_more_of_its_token_than_authorize_can(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs, evses=3)
    await put_tokens(csms)

    async def start(transaction_id: str, evse_id: int, token_type: str, id_token: str) -> dict[str, Any]:
        token = {"id_token": id_token, "type": token_type}
        answer = await station.event("Started", transaction_id, 0, id_token=token, evse={"id": evse_id})
        info: dict[str, Any] = answer["id_token_info"]
        kept = await csms.get(f"/api/v1/transactions/{IDENTITY}/{transaction_id}")
        assert (kept["id_token"], kept["id_token_type"], kept["id_token_status"]) == (
            id_token,
            token_type,
            info["status"],
        )
        assert kept["events"][0]["response"]["idTokenInfo"]["status"] == info["status"]
        return info

    assert (await start("t-1", 1, "MacAddress", "001122334455"))["status"] == "Accepted"
    assert (await start("t-2", 2, "MacAddress", "001122334455"))["status"] == "ConcurrentTx"
    assert (await start("t-3", 3, "MacAddress", "001122334455"))["status"] == "NotAtThisLocation"
    assert await start("t-4", 2, "ISO15693", "E0040150") == {"status": "Blocked"}
    assert await start("t-5", 2, "ISO14443", "nobody's") == {"status": "Unknown"}, "and kept all the same"
    assert (await start("t-6", 2, "Central", "master"))["status"] == "Invalid", "C16.FR.03"
    assert await start("t-7", 2, "Central", "made up by a payment terminal") == {"status": "Accepted"}
    stopped = await station.event(
        "Ended",
        "t-1",
        1,
        id_token={"id_token": "master", "type": "Central"},
        trigger_reason="StopAuthorized",
        info={"stopped_reason": "MasterPass"},
    )
    assert stopped["id_token_info"]["status"] == "Accepted", "C16"
    assert (await start("t-8", 2, "MacAddress", "001122334455"))["status"] == "Accepted", "E01: the first has ended"
    assert (await csms.get(f"/api/v1/transactions/{IDENTITY}/t-1"))["stopped_reason"] == "MasterPass"
    whose = await csms.get("/api/v1/transactions", id_token="001122334455")
    assert {one["transaction_id"] for one in whose["transactions"]} == {"t-1", "t-2", "t-3", "t-8"}
