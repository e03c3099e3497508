"""The report says what was measured, what was not, and what makes it doubtful."""

from dataclasses import replace

import pytest

from bench.contenders import CONTENDERS
from bench.load import Window
from bench.machine import Busy
from bench.messages import Action
from bench.open_loop import Latencies
from bench.plan import Connecting, Memory, Plan, Results, Throughput, Trouble
from bench.report import as_data, render
from bench.round_trip import RoundTrips
from bench.storage import DATABASES, Storage

PLAN = Plan(
    contenders=tuple(contender for contender in CONTENDERS if contender.name in {"csms", "ocpp-library"}),
    actions=(Action.HEARTBEAT,),
    stations=(500, 5000),
    seconds=5,
    rounds=2,
    connect=True,
    memory=True,
    connect_stations=2000,
    reserve=True,
    databases=DATABASES,
    server_core=0,
    load_core=1,
)
QUIET = Busy(server=1.0, load=0.3, others=0.0)


def throughput(name: str, number: int, stations: int, rate: float, busy: Busy = QUIET) -> Throughput:
    window = Window(answers=1, seconds=5, rate=rate, p50_s=0.05, p99_s=0.1, busy=busy, warm=True)
    return Throughput(name, number, "Heartbeat", stations, window, server_bytes=50_000_000)


@pytest.fixture
def results() -> Results:
    return Results(
        throughput=[
            throughput("csms", 1, 500, 20_000),
            throughput("csms", 2, 500, 10_000),
            throughput("csms", 1, 5000, 12_000),
            throughput("csms", 2, 5000, 9_000),
            throughput("ocpp-library", 1, 500, 5_000),
            throughput("ocpp-library", 2, 500, 2_000),
        ],
        connecting=[Connecting("csms", 1, 2000, 10.0), Connecting("ocpp-library", 1, 2000, 2.0)],
        memory=[Memory("csms", 1, 5000, 50_000_000, 200_000_000)],
    )


def line_of(report: str, section: str, start: str) -> str:
    lines = report[report.index(section) :].splitlines()
    return " ".join(next(line for line in lines if line.strip().startswith(start)).split())


def test_rates_are_medians_with_their_range_and_ratios_are_taken_within_rounds(results: Results) -> None:
    report = render(PLAN, results, {}, {})
    line = line_of(report, "Heartbeat, 500 stations", "csms")
    assert "15,000 (10,000..20,000)" in line
    assert "4.50 (4.00..5.00)" in line


def test_the_targets_stand_beside_what_was_measured(results: Results) -> None:
    report = render(PLAN, results, {}, {})
    assert line_of(report, "Targets", "Heartbeat at 500").endswith(">= 1.5 4.50 (4.00..5.00) 4.50 (4.00..5.00)")
    assert line_of(report, "Targets", "Heartbeat at 5,000").endswith(">= 1.5 - -")
    assert line_of(report, "Targets", "Heartbeat, most").endswith(">= 0.7 0.75 (0.60..0.90) 0.75 (0.60..0.90)")
    assert line_of(report, "Targets", "KB").endswith("< 40 30.0")


def test_a_ratio_per_cpu_second_holds_when_a_server_had_only_half_of_its_core() -> None:
    disturbed = Busy(server=0.5, load=0.2, others=0.5)
    results = Results(
        throughput=[throughput("csms", 1, 500, 5_000, disturbed), throughput("ocpp-library", 1, 500, 5_000)]
    )
    line = line_of(render(PLAN, results, {}, {}), "Targets", "Heartbeat at 500")
    assert line.endswith(">= 1.5 1.00 2.00")


def test_a_faster_connecting_is_a_ratio_above_one(results: Results) -> None:
    report = render(PLAN, results, {}, {})
    assert line_of(report, "2,000 stations connect", "csms") == "csms 10.00 200 0.20"


def round_trips(number: int, events_per_s: float, p50_s: float) -> RoundTrips:
    reserve = Latencies(375, p50_s, 2 * p50_s, 0.5)
    healthz = Latencies(375, 0.002, 0.01, 0.02)
    events = Latencies(7500, 0.003, 0.02, 0.1) if events_per_s else None
    return RoundTrips("csms", number, 2000, events_per_s, reserve, healthz, events, Busy(0.5, 0.1, 0.0))


def test_reservations_stand_beside_those_of_a_quiet_hour_and_the_smallest_request() -> None:
    measured = [
        *(round_trips(1, 0.0, 0.005), round_trips(1, 499.6, 0.010)),
        *(round_trips(2, 0.0, 0.010), round_trips(2, 500.4, 0.010)),
    ]
    report = render(PLAN, Results(round_trips=measured), {}, {})
    assert "Reserving at 2,000 stations, 25 times a second for 15 s, each of them once; charging: 500 " in report
    idle = line_of(report, "Reserving", "POST /reserve/…, the others idle")
    assert idle.endswith("750 7.5 (5.0..10.0) 15.0 (10.0..20.0) 500.0 50% 0%")
    assert line_of(report, "Reserving", "TransactionEvent").endswith("15,000 3.0 20.0 100.0 50% 0%")
    assert line_of(report, "Reserving", "charging / idle").endswith("1.50 (1.00..2.00) 1.50 (1.00..2.00)")
    assert line_of(report, "Reserving", "reserve / healthz").endswith("5.00 2.00")


def test_room_is_given_for_a_thousand_transactions_and_parted_by_tables() -> None:
    tables = {"transaction_events": 12_000_000, "messages": 6_000_000, "events": 2_000_000}
    measured = [
        Storage("SQLite", 2_000, 20_000_000, 21_000_000, tables),
        Storage("PostgreSQL", 2_000, 20_000_000, 30_000_000, {"messages": 8_000_000}),
    ]
    report = render(PLAN, Results(storage=measured), {}, {})
    assert line_of(report, "Room", "the whole").endswith("10.5 1.05 15.0 1.50")
    assert line_of(report, "Room", "transaction_events").endswith("6.0 0.60 0.0 0.00")
    assert line_of(report, "Room", "messages").endswith("3.0 0.30 4.0 0.40")
    assert line_of(report, "Room", "without the logs").endswith("6.5 0.65 11.0 1.10")


def test_who_is_left_out_and_what_went_wrong_is_said(results: Results) -> None:
    results.trouble.append(Trouble("csms", 2, "Heartbeat at 5000 stations", "CALLERROR InternalError", 3))
    report = render(PLAN, results, {}, {"ocpp-rpc": "node and npm are not installed"})
    assert "left out: node and npm are not installed" in report
    assert "csms, round 2, Heartbeat at 5000 stations: 3 times: CALLERROR InternalError" in report
    assert "Errors: none" in render(PLAN, replace(results, trouble=[]), {}, {})


@pytest.mark.parametrize(
    ("busy", "doubt"),
    [
        (Busy(server=0.6, load=1.0, others=0.0), "the load generator was busy all the time"),
        (Busy(server=0.6, load=0.3, others=0.4), "something else ran on these cores in round 1"),
    ],
)
def test_a_measurement_that_is_not_the_servers_limit_is_said_to_be_doubtful(busy: Busy, doubt: str) -> None:
    results = Results(throughput=[throughput("csms", 1, 500, 20_000, busy)])
    assert doubt in render(PLAN, results, {}, {})


def test_the_data_has_every_single_measurement(results: Results) -> None:
    data = as_data(PLAN, results, {"machine": "m"}, {})
    assert [one["window"]["rate"] for one in data["throughput"]][:2] == [20_000, 10_000]
    assert data["facts"] == {"machine": "m"}


def test_nothing_measured_is_no_crash() -> None:
    assert "ocpp-library" in render(PLAN, Results(), {}, {})
