"""What the CSMS counts and measures, for Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Final

from prometheus_client import (
    GC_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from csms import __version__
from csms.store import Commit
from shared.message_log import Exchange, Failure
from shared.ocppj.versions import VERSIONS

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_ACTIONS: Final = frozenset(action for version in VERSIONS for action in version.actions)
_OTHER: Final = "other"  # stations may name what they like, and each name would be a series for ever
_OUTCOMES: Final = {"CallTimedOut": "timeout", "ConnectionLost": "lost", "InvalidAnswer": "invalid"}
_LATENCIES_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_COMMITS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BATCHES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """One CSMS's figures, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = _Calls()
        self._registry.register(self._calls)
        self._batch_size = Histogram(
            "csms_commit_batch_size", "Writers that shared a commit", buckets=_BATCHES, registry=self._registry
        )
        self._commit = Histogram(
            "csms_commit_duration_seconds",
            "A batch, from taken to committed",
            buckets=_COMMITS_S,
            registry=self._registry,
        )
        self._rows = Counter("csms_commit_rows", "Rows written", registry=self._registry)
        self._failures = Counter(
            "csms_commit_failures", "Writes that the database did not take", registry=self._registry
        )
        Info("csms_build", "Which program this is", registry=self._registry).info({"version": __version__})
        ProcessCollector(registry=self._registry)
        self._registry.register(GC_COLLECTOR)

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Show a value as it is when somebody looks."""
        Gauge(name, documentation, registry=self._registry).set_function(value)

    def count_of(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Show a count that is kept elsewhere, which only grows."""
        self._registry.register(_Count(name, documentation, value))

    def exchange(self, exchange: Exchange) -> None:
        """Count a CALL that is over."""
        self._calls.count(exchange)

    def commit(self, commit: Commit) -> None:
        """Count a batch of the writer's."""
        self._batch_size.observe(commit.jobs)
        self._commit.observe(commit.duration_s)
        self._rows.inc(commit.rows)
        self._failures.inc(commit.failed)

    def exposition(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)


class _Count(Collector):
    """A counter whose value is somebody else's."""

    def __init__(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        self._name = name
        self._documentation = documentation
        self._value = value

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(self._name, self._documentation, value=self._value())


class _Series:
    """CALLs of one kind: how many took how long."""

    __slots__ = ("buckets", "total_s")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_LATENCIES_S) + 1)
        self.total_s = 0.0


class _Calls(Collector):
    """Counts CALLs. Every one comes by here, and what the library has for it takes several times as long."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str | None, str | None], _Series] = {}

    def count(self, exchange: Exchange) -> None:
        failure = exchange.failure
        key = exchange.direction, exchange.action, None if failure is None else failure.code
        series = self._series.get(key)
        if series is None:
            key = exchange.direction, _known(exchange.action), _outcome(failure)
            series = self._series.setdefault(key, _Series())
        series.buckets[bisect_left(_LATENCIES_S, exchange.latency_s)] += 1
        series.total_s += exchange.latency_s

    def collect(self) -> Iterable[Metric]:
        messages = CounterMetricFamily(
            "csms_messages",
            "CALLs that are over, by the direction of the CALL and by outcome",
            labels=("direction", "action", "outcome"),
        )
        latency = HistogramMetricFamily(
            "csms_call_duration_seconds", "From a CALL to its answer", labels=("direction", "action")
        )
        together: dict[tuple[str, str], _Series] = {}
        for (direction, action, outcome), series in self._series.items():
            name = action or _OTHER
            messages.add_metric((direction, name, outcome or "result"), sum(series.buckets))
            both = together.setdefault((direction, name), _Series())
            both.buckets = [count + more for count, more in zip(both.buckets, series.buckets, strict=True)]
            both.total_s += series.total_s
        for labels, series in together.items():
            ends = [*map(str, map(float, _LATENCIES_S)), "+Inf"]
            latency.add_metric(labels, list(zip(ends, accumulate(series.buckets), strict=True)), series.total_s)
        yield messages
        yield latency


def _known(action: str | None) -> str:
    return action if action in _ACTIONS else _OTHER


def _outcome(failure: Failure | None) -> str | None:
    return None if failure is None else _OUTCOMES.get(failure.code, "error")
