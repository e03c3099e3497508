"""Both programs from the command line: environment, signals, mistakes of the user's."""

from __future__ import annotations

import json
from signal import Signals
from typing import Final

import pytest

from tests.processes import HOST, Programs

AT_ONCE_S: Final = 2.5  # without waiting for the 3 s that requests under way are given


async def test_both_programs_end_in_order_with_status_0(programs: Programs) -> None:
    csms = await programs.csms()
    stopped = await programs.ready_station("CP_1", csms)
    left = await programs.ready_station("CP_2", csms)
    assert await stopped.stop(Signals.SIGTERM) == 0
    await csms.says("CP_1: disconnected (1001 the station stops)")

    assert await csms.stop(Signals.SIGINT) == 0
    await left.says("CP_2: disconnected (1001 the CSMS shuts down); connecting again in")
    assert await left.stop(Signals.SIGINT) == 0, "also while it waits to connect again"


async def test_an_idle_rest_client_does_not_hold_up_the_end(programs: Programs) -> None:
    csms = await programs.csms()
    await csms.listed()  # browsers and clients like this one keep their connection
    csms.interrupt(Signals.SIGTERM)
    assert await csms.ends(within_s=AT_ONCE_S) == 0


async def test_options_come_from_the_environment_and_the_command_line_wins(programs: Programs) -> None:
    settings = {"HOST": HOST, "PORT": "1", "API_PORT": "0", "HEARTBEAT_INTERVAL": "77"}
    environment = {f"CSMS_{name}": value for name, value in settings.items()}
    csms = await programs.ready_csms("--port", "0", environment=environment)
    choices = {"IDENTITY": "CP_9", "CSMS": csms.url, "PASSWORD": "a password", "EVSES": "2", "CONNECTORS": "2"}
    environment = {f"STATION_{name}": value for name, value in choices.items()}
    station = await programs.module("station", "CP_1", "--connectors", "1", environment=environment)
    await station.says("CP_1: accepted, heartbeat every 77 s")
    await csms.heard("CP_1", "StatusNotification", evseId=2)
    stations = (await csms.rest.get("/api/v1/stations")).json()["stations"]
    assert [(known["station_id"], len(known["connectors"])) for known in stations] == [("CP_1", 2)]


async def test_logs_can_be_had_as_json_and_rest_can_ask_for_a_token(programs: Programs) -> None:
    csms = await programs.csms("--log-format", "json", "--api-token", "open sesame")
    assert (await csms.rest.get("/healthz")).status_code == 200
    assert (await csms.rest.get("/list")).status_code == 401
    answer = await csms.rest.get("/list", headers={"Authorization": "Bearer open sesame"})
    assert answer.json() == {"cp_ids": []}

    assert await csms.stop() == 0
    logged = [json.loads(line) for line in csms.lines if not line.startswith(("=", "(Press"))]
    assert all({"time", "levelname", "name", "message"} == line.keys() for line in logged)
    assert [line["message"].partition(" :")[0] for line in logged][1:] == ["WebSocket Server Started"]


async def test_a_port_that_is_taken_is_told_in_one_line(programs: Programs) -> None:
    first = await programs.csms()
    free = {"--host": HOST, "--port": "0", "--api-port": "0"}
    late = {}
    for flag in ("--port", "--api-port"):
        options = free | {flag: str(first.port)}
        late[flag] = await programs.module("csms", *(part for option in options.items() for part in option))
    for flag, whom in (("--port", "stations"), ("--api-port", "REST")):
        assert await late[flag].ends() == 2
        told = late[flag].lines[-1]
        assert told.startswith(f"csms: cannot listen for {whom} on {HOST}:{first.port}: the port is taken")
        assert flag in told, "it says what to do"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["csms", "--port", "many"], "csms: --port 'many': must be a number"),
        (["station"], "station: the station needs an identity"),
    ],
)
async def test_a_mistake_of_the_user_s_is_told_in_one_line(programs: Programs, command: list[str], told: str) -> None:
    ended = await programs.module(*command)
    assert await ended.ends() == 2
    assert len(ended.lines) == 1
    assert ended.lines[0].startswith(told)
