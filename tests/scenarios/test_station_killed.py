"""A station's process is killed while it charges, offline at that, and started again: it is the same station."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import httpx
import trio

from tests.processes import DEADLINE_S, Csms, Program, Programs

CARD = {"idToken": "anna", "type": "ISO14443"}
_LOOK_EVERY_S = 0.05
TRANSACTIONS = "/api/v1/transactions"


class Pillar:
    """A station as one stands before it: its program, and its control interface."""

    def __init__(self, program: Program, client: httpx.AsyncClient) -> None:
        self.program = program
        self._client = client

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        response = await self._client.post(path, json=body or {})
        assert response.is_success, response.text
        return response.json()

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self._client.get("/status")).json()
        return status

    async def shows(self, look: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Its status, as soon as `look` is true of it."""
        status: dict[str, Any] = {}
        with trio.move_on_after(DEADLINE_S):
            while True:
                status = await self.status()
                if look(status):
                    return status
                await trio.sleep(_LOOK_EVERY_S)
        raise AssertionError(f"the station has not shown it within {DEADLINE_S:g} s, but {status}")

    async def kill(self) -> None:
        assert await self.program.stop(SIGKILL) == -SIGKILL
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()


async def power_up(programs: Programs, csms: Csms, directory: Path) -> Pillar:
    """`python -m station CP_1` with this state, connected and accepted."""
    options = ("--evses", "2", "--state-dir", str(directory), "--control", "127.0.0.1:0")
    program = await programs.station("CP_1", csms.url, *options)
    url = (await program.says("Control on ")).removeprefix("Control on ")
    pillar = Pillar(program, httpx.AsyncClient(base_url=url, timeout=DEADLINE_S, trust_env=False))
    await pillar.shows(lambda status: status.get("online"))
    return pillar


async def set_variable(csms: Csms, component: str, variable: str, value: str) -> None:
    data = {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value}
    answer = await csms.rest.post("/api/v1/stations/CP_1/variables/set", json={"variables": [data]})
    assert "Accepted" in answer.text, answer.text


async def transaction(csms: Csms, transaction_id: str) -> dict[str, Any]:
    """The whole of it, as the CSMS's operator sees it."""
    whole: dict[str, Any] = await csms.get(f"{TRANSACTIONS}/CP_1/{transaction_id}")
    return whole


async def test_a_killed_station_is_the_same_station_when_it_is_started_again(
    programs: Programs, tmp_path: Path
) -> None:
    csms = await programs.csms()
    await csms.rest.put("/api/v1/tokens/ISO14443/anna", json={"status": "Accepted"})
    pillar = await power_up(programs, csms, tmp_path)
    await set_variable(csms, "SampledDataCtrlr", "TxUpdatedInterval", "1")
    assert (await csms.reserve("CP_1", evse_id=2))[0] == 200

    # It charges, goes offline, has events that nobody knows of yet, and is killed.
    await pillar.post("/evses/1/connectors/1/plug-in", {"soc": 0.3})
    assert (await pillar.post("/evses/1/present-token", CARD))["status"] == "Accepted"
    charging = await pillar.shows(lambda status: status["evses"][0]["transfer"] == "Charging")
    (ongoing,) = charging["transactions"]
    first_id = ongoing["transactionId"]
    await csms.shows(TRANSACTIONS, lambda body: body["transactions"])
    await pillar.post("/network/down")
    before = await pillar.shows(lambda status: status["events_queued"] >= 2)
    await pillar.kill()

    # It goes on: the vehicle, the meter, the reservation, the transaction; what was queued is delivered.
    pillar = await power_up(programs, csms, tmp_path)
    status = await pillar.shows(lambda status: status["evses"][0]["transfer"] == "Charging")
    assert [one["transactionId"] for one in status["transactions"]] == [first_id]
    assert status["evses"][0]["meter"]["energy_wh"] > before["evses"][0]["meter"]["energy_wh"] - 10
    assert status["evses"][1]["connectors"][0]["status"] == "Reserved"
    await csms.heard("CP_1", "BootNotification", reason="PowerUp")
    await pillar.shows(lambda status: status["events_queued"] == 0)
    assert (await pillar.post("/evses/1/present-token", CARD))["status"] == "Accepted"
    await csms.shows(f"{TRANSACTIONS}/CP_1/{first_id}", lambda body: body["ended_at"])
    first = await transaction(csms, first_id)
    assert first["complete"]
    assert first["stopped_reason"] == "Local"
    seq_nos = [event["seq_no"] for event in first["events"]]
    assert seq_nos == list(range(len(seq_nos)))
    assert any(event["request"].get("offline") for event in first["events"])
    total_wh = (await pillar.status())["evses"][0]["meter"]["energy_wh"]
    assert abs(first["energy_wh"] - total_wh) < 0.01, "it was the first transaction of this meter"

    # Or it ends, where it is not to go on after a loss of power (TxCtrlr.ResumptionTimeout).
    await set_variable(csms, "TxCtrlr", "ResumptionTimeout", "0")
    assert (await pillar.post("/evses/1/present-token", CARD))["status"] == "Accepted"
    status = await pillar.shows(lambda status: status["evses"][0]["transfer"] == "Charging")
    second_id = status["transactions"][0]["transactionId"]
    assert second_id != first_id
    await pillar.kill()
    pillar = await power_up(programs, csms, tmp_path)
    await csms.shows(f"{TRANSACTIONS}/CP_1/{second_id}", lambda body: body["ended_at"])
    second = await transaction(csms, second_id)
    assert (second["complete"], second["stopped_reason"]) == (True, "PowerLoss")
    assert (await pillar.status())["transactions"] == []
    await pillar.close()
    assert await pillar.program.stop() == 0
