"""Mistakes in a scenario are told in one line: the file, the step, and what was expected there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from shared.ocppj.schemas import Schemas
from station.scenario import read_scenario, scenario_paths
from station.scenario.happenings import STOP_REASONS, TRIGGERS
from station.scenario.kinds import CHARGING_STATES
from station.user_mistake import UserMistake
from tests.station.scenario.theatre import LAYOUT, written

OK = '[[step]]\nexpect = "registered"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name =", "is not TOML: Invalid value (at end of document)"),
        ("", "step: expected a list of 1 to 1000, but it is missing"),
        ("step = []", "step: expected a list of 1 to 1000, got one of 0"),
        ("speed = 3\n" + OK, "speed: there is no such field; there are name, description, station, csms, step"),
        ("[[step]]\nwithin = 3", "step 1: a step has either do or expect"),
        ('[[step]]\ndo = "stop"\nexpect = "off"', "step 1: a step has either do or expect"),
        (OK + '[[step]]\ndo = "fly"', "step 2, do: expected one of plug-in, "),
        (OK + "[[step]]\nexpect = 3", "step 2, expect: expected one of connected, "),
        (OK + '[[step]]\ndo = "plug-in"\nsoc = 3', "step 2, soc: expected a number from 0 to 1, got 3"),
        (
            OK + '[[step]]\ndo = "plug-in"\nspeed = 1',
            "step 2, speed: there is no such field; there are do, ",
        ),
        (OK + '[[step]]\ndo = "plug-in"\nwithin = 3', "step 2, within: there is no such field; there are do, "),
        (OK + '[[step]]\ndo = "plug-in"\ncurve = [[0.5, 1], [0.2, 1]]', "step 2, curve: "),
        (OK + '[[step]]\ndo = "plug-in"\nevse = 2', "step 2, evse: there is no EVSE 2; there are: 1"),
        (OK + '[[step]]\ndo = "jam"\nconnector = 2', "step 2, connector: EVSE 1 has no connector 2; it has: 1"),
        ('[[step]]\ndo = "fault"', "step 1, code: expected a string of 1 to 50 characters, but it is missing"),
        ('[[step]]\ndo = "faults"\nrules = [{ kind = "dorp" }]', "step 1, rules/0/kind: expected one of delay, "),
        ('[[step]]\nat = 5\ndo = "stop"\n[[step]]\nat = 4\ndo = "stop"', "step 2, at: steps come in order, and one "),
        ('[[step]]\nexpect = "off"\nwithin = 1\nnever_for = 2', "step 1: within and never_for do not go together"),
        (
            '[[step]]\nexpect = "token"\nstatus = "Accepted"\nalways_for = 2',
            "step 1, always_for: token is something that happens, and cannot always be so",
        ),
        ('[[step]]\nexpect = "connector"', "step 1: expected a status, locked or plugged_in"),
        ('[[step]]\nexpect = "energy"', "step 1: expected at_least, at_most or both"),
        ('[[step]]\nexpect = "sent"\naction = "Reset"', "step 1, action: Reset is not a request of the station"),
        (
            '[[step]]\nexpect = "received"\naction = "Reset"\nmessage = "answer"',
            "step 1, action: Reset is not a request of the station",
        ),
        (
            '[[step]]\nexpect = "received"\naction = "Heartbeat"',
            "step 1, action: Heartbeat is not a request of the CSMS",
        ),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\npayload = { at = 2030-01-01 }',
            "step 1, payload/at: expected what JSON has: a text, a number, true, false, a list or an object",
        ),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\npayload = { id = "${tx}" }',
            "step 1, payload/id: nothing was kept as tx before; known are identity, now",
        ),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\nkeep = { now = "/x" }',
            "step 1, keep/now: this cannot be a name: letters, digits and _, and neither now nor identity",
        ),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\nkeep = { x = "x" }',
            "step 1, keep/x: expected a JSON pointer such as /transactionInfo/transactionId, got 'x'",
        ),
        ('[station]\nevses = [["cType9"]]\n' + OK, "station/evses/0: 'cType9' is not a type of connector: "),
        ("[station.variables]\nTxCtrlr = 3\n" + OK, "station/variables/TxCtrlr: expected Component.Variable or "),
        (
            '[station.variables]\n"TxCtrlr.Colour" = 3\n' + OK,
            "station/variables/TxCtrlr.Colour: there is no variable TxCtrlr.Colour of the station",
        ),
        ('[station.variables]\n"TxCtrlr.EVConnectionTimeOut" = "soon"\n' + OK, "station/variables/TxCtrlr.EVConn"),
        ('[csms]\napi = "localhost"\n' + OK, "csms/api: 'localhost' is not a URL such as http://127.0.0.1:8080"),
        ("[csms]\napi = 8080\n" + OK, "csms/api: '8080' is not a URL such as http://127.0.0.1:8080"),
        ('[csms]\napi = "http://u:secret@x"\n' + OK, "csms/api: the URL of a REST interface has no user name"),
        ('[csms]\napi_token = "a\\nb"\n' + OK, "csms/api_token: a token is one or more printable ASCII characters"),
        ("a = " + "[" * 3000, "is no scenario: too much in it is one within the other"),
        ("a = " + "9" * 5000, "is not TOML: Exceeds the limit (4300 digits)"),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\npayload = { a = ' + "[" * 60 + "]" * 60 + " }",
            "step 1, payload/a/0/0/",
        ),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\npayload = { at = "${now + 60}" }',
            "step 1, payload/at: after ${ comes the name of something that was kept, or now, now+60, now-60, and ",
        ),
        (
            '[[step]]\nexpect = "sent"\naction = "Heartbeat"\nnever_for = 1\nkeep = { x = "/x" }',
            "step 1, keep: there is nothing to keep of what never happens",
        ),
        (
            '[[step]]\nexpect = "transaction"\nstate = "Idle"\npayload = { transactionInfo = 5 }',
            "step 1, payload/transactionInfo: expected an object, got 5",
        ),
        ('[[step]]\nexpect = "transaction"\ntrigger = "Authorised"', "step 1, trigger: expected one of Abnormal"),
        ('[[step]]\nexpect = "transaction"\nstopped = "Stop"', "step 1, stopped: expected one of DeAuthorized, "),
        ('[[step]]\nexpect = "transaction"\nstate = "none"', "step 1, state: expected one of Idle, "),
        (
            '[[step]]\nexpect = "power"\nat_least = 2\nat_most = 1',
            "step 1: nothing is at_least and at_most that, for the former is more",
        ),
        (
            '[[step]]\nexpect = "variable"\ncomponent = "TxCtrlr"\nvariable = "Colour"\nvalue = "x"',
            "step 1, variable: there is no variable TxCtrlr.Colour of the station",
        ),
        (
            '[[step]]\nexpect = "variable"\ncomponent = "TxCtrlr"\nvariable = "TxStartPoint"\nvalue = "x"\nevse = 1',
            "step 1, variable: there is no variable TxCtrlr.TxStartPoint of an EVSE",
        ),
        (
            '[[step]]\nexpect = "variable"\ncomponent = "EVSE"\nvariable = "Power"\nvalue = "x"\nconnector = 1',
            "step 1, connector: a connector is one of an evse: name that as well",
        ),
        (
            '[[step]]\ndo = "set-variable"\ncomponent = "TxCtrlr"\nvariable = "EVConnectionTimeOut"\nvalue = "x"',
            "step 1, value: ",
        ),
    ],
)
def test_a_mistake_is_told_by_step_and_place(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UserMistake) as mistake:
        written(tmp_path, text)
    told = str(mistake.value)
    assert told.removeprefix(f"{tmp_path / 'scenario.toml'}").lstrip(": ").startswith(complaint)
    assert "\n" not in told


def test_a_step_that_asks_the_csms_needs_to_know_where_it_is(tmp_path: Path) -> None:
    step = '[[step]]\ndo = "csms"\npath = "/list"\n'
    with pytest.raises(UserMistake, match=r"step 1: it needs the CSMS's REST interface: \[csms\] api in the file, or"):
        written(tmp_path, step, api=None)
    scenario = written(tmp_path, '[csms]\napi = "http://127.0.0.1:8080"\napi_token = "x"\n' + step, api=None)
    assert scenario.api is not None
    assert (scenario.api.url, scenario.api.token) == ("http://127.0.0.1:8080", "x")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match=r"none\.toml cannot be read: No such file or directory$"):
        read_scenario(tmp_path / "none.toml", LAYOUT)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserMistake, match=r"binary\.toml is no scenario: it is not UTF-8$"):
        read_scenario(tmp_path / "binary.toml", LAYOUT)


def test_a_directory_stands_for_its_scenarios_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match=r"has no scenarios: files that end in \.toml$"):
        scenario_paths(tmp_path)
    for name in ("b.toml", "a.toml", "readme.md"):
        (tmp_path / name).touch()
    assert scenario_paths(tmp_path) == [tmp_path / "a.toml", tmp_path / "b.toml"]
    assert scenario_paths(tmp_path / "b.toml") == [tmp_path / "b.toml"]


def test_a_scenario_that_says_little_is_named_after_its_file_and_has_the_usual_station(tmp_path: Path) -> None:
    scenario = written(tmp_path, OK, layout=[["cType2"], ["cCCS2"]])
    assert (scenario.name, scenario.seed) == ("scenario", None)
    assert scenario.connector_types == [["cType2"], ["cCCS2"]]
    assert scenario.steps[0].title == "expect registered"


def test_a_step_may_have_numbers_of_any_size(tmp_path: Path) -> None:
    scenario = written(tmp_path, f'[[step]]\ndo = "faults"\nrules = []\nseed = {"9" * 30}\n')
    assert scenario.steps[0].title == f"faults: rules [], seed {'9' * 30}"


def test_the_short_names_of_a_transaction_event_take_what_ocpp_has(schemas: Schemas) -> None:
    event = cast(dict[str, Any], schemas.requests["TransactionEvent"].referee.schema)["definitions"]
    for name, known in (
        ("TriggerReasonEnumType", TRIGGERS),
        ("ReasonEnumType", STOP_REASONS),
        ("ChargingStateEnumType", CHARGING_STATES),
    ):
        assert set(known) == set(event[name]["enum"])
