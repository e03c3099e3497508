"""What the machine is, what it allows, and who uses its cores."""

from __future__ import annotations

import os
import platform
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
# What a process has open besides one socket for each station.
_OTHER_FILES: Final = 200
# In a line of /proc/stat: user, nice, system, (idle, iowait,) irq, softirq, steal.
_BUSY_FIELDS: Final = (1, 2, 3, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Busy:
    """CPU seconds used per second: by the server, by the load generator, and by all else on the busier core."""

    server: float
    load: float
    others: float


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """CPU seconds used so far by the two processes that matter, and by whatever ran on their cores."""

    server_s: float
    load_s: float
    server_core_s: float
    load_core_s: float

    def since(self, before: CpuTimes, lasted_s: float) -> Busy:
        """What was used between the two, lasted_s seconds apart."""
        server = self.server_s - before.server_s
        load = self.load_s - before.load_s
        others = max(
            self.server_core_s - before.server_core_s - server, self.load_core_s - before.load_core_s - load, 0
        )
        return Busy(server / lasted_s, load / lasted_s, others / lasted_s)


def cpu_times(*, server_pid: int, server_core: int, load_core: int) -> CpuTimes:
    """As of now; this process is the load generator. Raises OSError when the server is gone."""
    cores = _core_seconds(Path("/proc/stat").read_text())
    return CpuTimes(
        server_s=_process_seconds(Path(f"/proc/{server_pid}/stat").read_text()),
        load_s=time.process_time(),
        server_core_s=cores[server_core],
        load_core_s=cores[load_core],
    )


def resident_bytes(pid: int) -> int:
    """Resident memory (RSS) of a process. Raises OSError when it is gone."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no Rss in /proc/{pid}/smaps_rollup")


def make_room(stations: int) -> str | None:
    """Raise the limit of open files, which the servers inherit; why so many stations do not fit, or None."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    needed = stations + _OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        return f"{stations} stations need {needed} open files and the limit is {hard} (ulimit -Hn)"
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    if last - first < stations:
        return f"{stations} stations need as many local ports and there are {last - first} (ip_local_port_range)"
    return None


def facts(*, server_core: int, load_core: int) -> dict[str, str]:
    """About this machine at this moment, for the head of a report."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    cpu = models[0] if models else platform.machine()
    return {
        "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{cpu}, {os.cpu_count()} cores; servers on core {server_core}, load on core {load_core}",
        "software": f"Linux {platform.release()}, Python {platform.python_version()}",
        "open files": f"at most {resource.getrlimit(resource.RLIMIT_NOFILE)[0]:,} in a process",
        "load average": f"{os.getloadavg()[0]:.2f} before the run (0 is a quiet machine)",
    }


def _process_seconds(stat: str) -> float:
    # The name in parentheses may hold spaces; utime and stime are the 12th and 13th fields after it.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _core_seconds(stat: str) -> dict[int, float]:
    seconds = {}
    for fields in map(str.split, stat.splitlines()):
        if fields[0].startswith("cpu") and fields[0] != "cpu":
            seconds[int(fields[0][3:])] = sum(int(fields[number]) for number in _BUSY_FIELDS) / _TICKS_PER_S
    return seconds
