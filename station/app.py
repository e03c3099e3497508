"""One charging station: what of it outlasts a power cycle, and the firmware that every power-up boots anew."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final, NoReturn

import trio

from shared.clock import TrioClock
from shared.endpoint import Language
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from station.blocks.data_transfer import NO_VENDORS, Vendors
from station.blocks.provisioning import BootReason
from station.device_model import BASIC_AUTH_PASSWORD, IDENTITY, DeviceModel
from station.faults import Faults
from station.firmware import Firmware
from station.hardware import Hardware
from station.link import Link
from station.network import Network, OpenStream
from station.network_profile import NetworkProfiles
from station.state import State
from station.state.keys import BOOT_REASON
from station.witness import Witness

log = logging.getLogger()

REBOOT_S: Final = 5.0
"""How long a reboot leaves the station without its firmware."""


@dataclass(frozen=True, slots=True)
class _Restart:
    reason: BootReason
    graceful: bool
    off_s: float


class Station:
    """A charging station. `run()` is its life; `hardware` may be touched all the time."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        state: State,
        *,
        csms_url: str,
        password: str,
        open_stream: OpenStream,
        clock: TrioClock,
        random: Random,
        schemas: Schemas,
        vendors: Vendors = NO_VENDORS,
        witness: Witness | None = None,
    ) -> None:
        """csms_url: ws:// or wss://, without the identity, else ValueError. open_stream: opens a stream to such a URL.

        state: what the firmware remembers. random: gives message ids and jitter: the same seed, the same messages.
        vendors: who serves whose DataTransfer.
        witness: None for one that writes the log.
        """
        self.identity = identity
        self.hardware = hardware
        self.network = Network(open_stream)
        self.faults = Faults(identity, random, half_open=self.network.silence, power_cut=self.cut_power)
        self.firmware: Firmware | None = None
        self.variables = variables
        self._state = state
        self._clock = clock
        self._random = random
        self._vendors = vendors
        self._language = Language(V201, schemas, Side.STATION)
        self._witness = witness = Witness(identity) if witness is None else witness
        variables.deliver(IDENTITY, identity)
        variables.deliver(BASIC_AUTH_PASSWORD, password)
        profiles = NetworkProfiles(identity, csms_url, variables, state)
        self._new_link: Final[Callable[[], Link]] = lambda: Link(
            identity, variables, profiles, open_stream=self.network.open_stream, random=random, witness=witness
        )
        self._restart: _Restart | None = None
        self._power = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Live until cancelled. When that happens the CSMS is told with WebSocket close code 1001.

        task_status: started when there is a `firmware`, which boots.
        Raises StateUnavailable when what is to be remembered cannot be kept.
        """
        try:
            while True:
                await self._run_until_restart(task_status)
                task_status = trio.TASK_STATUS_IGNORED
        finally:
            await self.network.aclose()

    def now(self) -> datetime:
        """The time by the station's clock, which follows that of the CSMS."""
        return self._clock.now()

    def reboot(self, reason: BootReason, *, graceful: bool = True, off_s: float = REBOOT_S) -> None:
        """End the firmware as soon as this task lets it, and boot it again `off_s` seconds later.

        reason: what the BootNotification will say. graceful: the CSMS is told goodbye; without, the power just goes.
        No effect while the station is off or about to be.
        """
        if self.firmware is not None and self._restart is None:
            self._restart = _Restart(reason, graceful, off_s)
            if not graceful:
                self.firmware.goes_without_goodbye()
            self._power.cancel()

    def cut_power(self, off_s: float = REBOOT_S) -> None:
        """Cut the power for so long: nobody is told goodbye."""
        self.reboot("PowerUp", graceful=False, off_s=off_s)

    async def _run_until_restart(self, task_status: trio.TaskStatus[None]) -> None:
        reason: BootReason = self._state.get(BOOT_REASON) or "PowerUp"
        self._state.delete(BOOT_REASON)
        restart = await self._run_firmware(reason, task_status)
        self.hardware.lose_power()
        if not restart.graceful:
            self._state.lose_power()
        self._state.put(BOOT_REASON, restart.reason)
        await self._state.keep()
        log.info("%s: off for %g s (%s)", self.identity, restart.off_s, restart.reason)
        await trio.sleep(restart.off_s)
        self._restart = None
        self.hardware.restore_power()

    async def _run_firmware(self, reason: BootReason, task_status: trio.TaskStatus[None]) -> _Restart:
        self.variables.recall()
        link = self._new_link()
        firmware = Firmware(
            self.identity,
            self.hardware,
            self.variables,
            self._state,
            link,
            self.faults,
            self._language,
            clock=self._clock,
            random=self._random,
            boot_reason=reason,
            vendors=self._vendors,
            reboot=self.reboot,
            witness=self._witness,
        )
        with self.hardware.watching(
            firmware.hardware_changed, token=firmware.token_presented, stop=firmware.stop_pressed
        ):
            self.firmware = firmware
            task_status.started()
            try:
                with trio.CancelScope() as self._power:
                    await firmware.run()
            finally:
                self.firmware = None
        assert self._restart is not None  # noqa: S101  # nothing else ends a firmware in order
        return self._restart
