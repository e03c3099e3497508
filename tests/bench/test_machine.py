"""Who used the cores."""

import mmap
import os
from pathlib import Path

import pytest

from bench.machine import Busy, CpuTimes, cpu_times, resident_bytes


def test_others_are_what_the_busier_core_did_for_neither_process() -> None:
    before = CpuTimes(server_s=10, load_s=20, server_core_s=100, load_core_s=200)
    after = CpuTimes(server_s=14, load_s=21, server_core_s=104.5, load_core_s=203)
    assert after.since(before, 5) == Busy(server=0.8, load=0.2, others=0.4)


def test_others_are_never_less_than_nothing() -> None:
    """The kernel counts cores and processes at different moments."""
    before = CpuTimes(server_s=0, load_s=0, server_core_s=0, load_core_s=0)
    assert CpuTimes(server_s=1, load_s=1, server_core_s=0.9, load_core_s=0.9).since(before, 1).others == 0


def test_cpu_times_of_a_process_grow_with_its_work() -> None:
    core = min(os.sched_getaffinity(0))

    def now() -> CpuTimes:
        return cpu_times(server_pid=os.getpid(), server_core=core, load_core=core)

    before = now()
    while (after := now()).load_s < before.load_s + 0.1:
        pass
    assert after.server_s - before.server_s == pytest.approx(0.1, abs=0.05)
    assert after.server_core_s > 0


def test_resident_bytes_of_a_process_grow_with_what_it_holds() -> None:
    before = resident_bytes(os.getpid())
    with mmap.mmap(-1, 20_000_000) as block:  # the allocator might have had room to spare
        block.write(os.urandom(len(block)))
        assert resident_bytes(os.getpid()) - before == pytest.approx(len(block), rel=0.2)


def test_a_process_that_is_gone_has_no_memory() -> None:
    gone = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    with pytest.raises(OSError, match=str(gone)):
        resident_bytes(gone)
