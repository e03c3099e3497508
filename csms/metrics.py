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
from prometheus_client.utils import floatToGoString

from csms import __version__
from csms.store import Commit
from shared.message_log import Exchange
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
            "csms_commit_duration_seconds", "A batch, from taken to committed",
            buckets=_COMMITS_S, registry=self._registry,
        )  # fmt: skip
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


class _Calls(Collector):
    """How many CALLs are over, and how long they took.

    There are thousands a second, and a Histogram with labels takes four times as long to count one.
    """

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str, str], int] = {}
        self._latencies: dict[tuple[str, str], list[int]] = {}  # how many are in each bucket, the last having no limit
        self._sums_s: dict[tuple[str, str], float] = {}

    def count(self, exchange: Exchange) -> None:
        direction, failure, latency_s = exchange.direction, exchange.failure, exchange.latency_s
        action = exchange.action if exchange.action in _ACTIONS else _OTHER
        outcome = "result" if failure is None else _OUTCOMES.get(failure.code, "error")
        of_outcome, of_action = (direction, action, outcome), (direction, action)
        self._outcomes[of_outcome] = self._outcomes.get(of_outcome, 0) + 1
        buckets = self._latencies.get(of_action)
        if buckets is None:
            buckets = self._latencies[of_action] = [0] * (len(_LATENCIES_S) + 1)
            self._sums_s[of_action] = 0.0
        buckets[bisect_left(_LATENCIES_S, latency_s)] += 1
        self._sums_s[of_action] += latency_s

    def collect(self) -> Iterable[Metric]:
        messages = CounterMetricFamily(
            "csms_messages", "CALLs that are over, by the direction of the CALL and by outcome",
            labels=("direction", "action", "outcome"),
        )  # fmt: skip
        for outcome, count in self._outcomes.items():
            messages.add_metric(outcome, count)
        latency = HistogramMetricFamily(
            "csms_call_duration_seconds", "From a CALL to its answer", labels=("direction", "action")
        )
        for action, buckets in self._latencies.items():
            limits = [*map(floatToGoString, _LATENCIES_S), "+Inf"]
            latency.add_metric(action, list(zip(limits, accumulate(buckets), strict=True)), self._sums_s[action])
        return messages, latency


class _Count(Collector):
    """A counter whose value is somebody else's."""

    def __init__(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        self._name = name
        self._documentation = documentation
        self._value = value

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(self._name, self._documentation, value=self._value())
