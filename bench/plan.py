"""What is measured in which order: rounds, and in each round every contender with a fresh server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench import round_trip, storage
from bench.contenders import Contender
from bench.load import Load, Window
from bench.messages import Action
from bench.open_loop import OpenLoop
from bench.round_trip import RoundTrips
from bench.server import Server, ServerFailed, running
from bench.stations import LoadFailed, Stations
from bench.storage import Database, Storage

WARM_UP_S: Final = 1.0
SETTLE_S: Final = 2.0
IN_FLIGHT: Final = 200
# So few that what they leave behind does not count among thousands, and enough to have everything loaded.
WARM_UP_STATIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. stations: ascending.   connect_stations: for the time to connect, no more than the most stations.

    reserve: time reservations, with who can reserve.   databases: weigh transactions there.
    """

    contenders: tuple[Contender, ...]
    actions: tuple[Action, ...]
    stations: tuple[int, ...]
    seconds: float
    rounds: int
    connect: bool
    memory: bool
    connect_stations: int
    reserve: bool
    databases: tuple[Database, ...]
    server_core: int
    load_core: int

    def steps(self, contender: Contender) -> int:
        """How many measurements one round of this contender has."""
        connections = (self.connect + self.memory) if contender.measures_connections else 0
        return len(self.actions) * len(self.stations) + connections

    @property
    def keepers(self) -> tuple[Contender, ...]:
        """Those who reserve, and keep."""
        return tuple(contender for contender in self.contenders if contender.reserves)


@dataclass(frozen=True, slots=True)
class Throughput:
    """Messages in a closed loop. server_bytes: the server's resident memory right after."""

    contender: str
    round: int
    action: str
    stations: int
    window: Window
    server_bytes: int


@dataclass(frozen=True, slots=True)
class Connecting:
    """The time for all these stations to connect, authenticate and boot."""

    contender: str
    round: int
    stations: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The server's resident memory with a few stations come and gone, and with these stations idle."""

    contender: str
    round: int
    stations: int
    bytes_before: int
    bytes_after: int

    @property
    def bytes_per_connection(self) -> float:
        """How much one more idle connection takes."""
        return (self.bytes_after - self.bytes_before) / self.stations


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong in a measurement, and how often."""

    contender: str
    round: int
    during: str
    what: str
    times: int


@dataclass(slots=True)
class Results:
    """Everything measured in one run."""

    throughput: list[Throughput] = field(default_factory=list)
    connecting: list[Connecting] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    round_trips: list[RoundTrips] = field(default_factory=list)
    storage: list[Storage] = field(default_factory=list)
    trouble: list[Trouble] = field(default_factory=list)

    @property
    def measured(self) -> bool:
        """Whether there is anything."""
        return bool(self.throughput or self.connecting or self.memory or self.round_trips or self.storage)


class Run:
    """One run of a plan. say: takes a line of progress."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.results = Results()
        self._plan = plan
        self._say = say
        self._cores = {"server_core": plan.server_core, "load_core": plan.load_core}
        self._total = plan.rounds * (sum(map(plan.steps, plan.contenders)) + plan.reserve * len(plan.keepers))
        self._total += len(plan.keepers) * len(plan.databases)
        self._done = 0
        self._round = 0
        self._doing = ""

    def run(self) -> Results:
        """Measure. What fails is kept as Trouble, and the next contender has its turn."""
        for number in range(1, self._plan.rounds + 1):
            self._round = number
            for contender in _rotated(self._plan.contenders, number - 1):
                after = self._done + self._plan.steps(contender)
                for stations in self._plan.stations:
                    if self._plan.actions or self._connections_too(contender, stations):
                        self._attempt(contender, stations)
                self._done = after
            for contender in self._plan.keepers:
                if self._plan.reserve:
                    self._measure_round_trips(contender)
        for contender in self._plan.keepers:
            for database in self._plan.databases:
                self._measure_storage(contender, database)
        return self.results

    def _connections_too(self, contender: Contender, stations: int) -> bool:
        """Connecting and memory are measured where the most stations are connected anyway."""
        wanted = self._plan.connect or self._plan.memory
        return wanted and contender.measures_connections and stations == self._plan.stations[-1]

    def _attempt(self, contender: Contender, stations: int) -> None:
        self._doing = "starting"
        try:
            with running(contender, **self._cores) as server:
                try:
                    self._measure(contender, stations, server)
                except LoadFailed:
                    server.check()
                    raise
        except (LoadFailed, ServerFailed) as failure:
            self._failed(contender, failure)

    def _failed(self, contender: Contender, failure: Exception) -> None:
        self._say(f"    {contender.name} failed while {self._doing}: {failure}")
        self.results.trouble.append(Trouble(contender.name, self._round, self._doing, str(failure), 1))

    def _measure(self, contender: Contender, stations: int, server: Server) -> None:
        """Everything there is to measure with one fresh server and so many stations."""
        name = contender.name
        connections_too = self._connections_too(contender, stations)
        before = self._memory_of_its_own(server) if connections_too else 0
        with Load(server.port) as load:
            if connections_too and self._plan.connect:
                self._measure_connecting(name, load)
            self._complete(name, load, stations)
            if connections_too and self._plan.memory:
                self._measure_memory(name, load, server, before)
            for action in self._plan.actions:
                self._complete(name, load, stations)
                self._begin(name, f"{action.value} at {stations} stations")
                window = load.exchange(
                    action, warm_up_s=WARM_UP_S, seconds=self._plan.seconds, cpu_times=server.cpu_times
                )
                measured = Throughput(name, self._round, action.value, stations, window, server.resident_bytes())
                self.results.throughput.append(measured)
                self._say(
                    f"    {window.rate:,.0f}/s, p50 {window.p50_s * 1000:.1f} ms, p99 {window.p99_s * 1000:.1f} ms"
                )
                self._note(name, load)

    def _memory_of_its_own(self, server: Server) -> int:
        """What the server takes when it has loaded all it needs and a few stations have come and gone."""
        self._doing = "connecting the first stations"
        with Load(server.port, prefix="WARM") as first:
            first.connect(WARM_UP_STATIONS, deadline_s=_patience_s(WARM_UP_STATIONS))
        with Load(server.port) as nobody:
            nobody.idle(SETTLE_S)
        return server.resident_bytes()

    def _complete(self, name: str, load: Load, stations: int) -> None:
        """Connect those that are missing, be it that they never were or that they were lost."""
        self._doing = f"connecting {stations} stations"
        load.connect(stations - load.ready, in_flight=IN_FLIGHT, deadline_s=_patience_s(stations))
        self._note(name, load)

    def _measure_connecting(self, name: str, load: Load) -> None:
        stations = self._plan.connect_stations
        self._begin(name, f"{stations} stations connect, authenticate and boot")
        seconds = load.connect(stations, in_flight=IN_FLIGHT, deadline_s=_patience_s(stations))
        self.results.connecting.append(Connecting(name, self._round, stations, seconds))
        self._say(f"    {seconds:.2f} s")
        self._note(name, load)

    def _measure_memory(self, name: str, load: Load, server: Server, before: int) -> None:
        self._begin(name, f"memory with {load.ready} idle stations")
        load.idle(SETTLE_S)
        memory = Memory(name, self._round, load.ready, before, server.resident_bytes())
        self.results.memory.append(memory)
        self._say(f"    {memory.bytes_per_connection / 1000:.1f} KB a connection")
        self._note(name, load)

    def _measure_round_trips(self, contender: Contender) -> None:
        self._begin(contender.name, f"reserving with {round_trip.STATIONS} stations connected")
        try:
            with running(contender, **self._cores) as server, OpenLoop(server.port, server.rest_port) as loop:
                for measured in round_trip.measure(server, loop, contender.name, self._round):
                    self.results.round_trips.append(measured)
                    reserve = measured.reserve
                    self._say(
                        f"    {measured.events_per_s:.0f} events/s: p50 {reserve.p50_s * 1000:.1f} ms, "
                        f"p99 {reserve.p99_s * 1000:.1f} ms"
                    )
                    self._note(contender.name, loop)
        except (LoadFailed, ServerFailed) as failure:
            self._failed(contender, failure)

    def _measure_storage(self, contender: Contender, database: Database) -> None:
        self._begin(contender.name, f"{storage.TRANSACTIONS} transactions on {database.name}")
        try:
            measured = storage.measure(contender, database, **self._cores)
        except (LoadFailed, ServerFailed) as failure:
            self._failed(contender, failure)
        else:
            self.results.storage.append(measured)
            self._say(f"    {measured.whole / 1e6:.1f} MB")

    def _begin(self, name: str, what: str) -> None:
        self._doing = what
        self._done += 1
        self._say(f"{self._done} of {self._total}: round {self._round}, {name}: {what}")

    def _note(self, name: str, load: Stations) -> None:
        """Keep what the load generator complains of."""
        asked = Counter(
            {f"CALL {action} from the CSMS, answered NotImplemented": n for action, n in load.asked.items()}
        )
        load.asked.clear()
        for what, times in (load.take_errors() + asked).items():
            self._say(f"    {times} times: {what}")
            self.results.trouble.append(Trouble(name, self._round, self._doing, what, times))


def _patience_s(stations: int) -> float:
    return 30 + stations * 0.03


def _rotated(contenders: Sequence[Contender], by: int) -> Sequence[Contender]:
    """Another one begins in each round, so that none always has the warmest or the quietest machine."""
    by %= len(contenders)
    return [*contenders[by:], *contenders[:by]]
