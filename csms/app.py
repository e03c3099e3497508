"""The composition root: opens the parts, connects them, and owns the top nursery."""

from __future__ import annotations

import errno
import logging
import uuid
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final

import trio

from csms.api import Services, create_api, serve_api
from csms.blocks import Conversation
from csms.blocks.meter_values import MeterLog
from csms.blocks.provisioning import BootRetries
from csms.blocks.transactions import Ledger
from csms.blocks.vendors import load_vendors
from csms.commands import Commands
from csms.device_model import DeviceModels
from csms.event_feed import EventFeed
from csms.events import EventLog
from csms.gateway import Gateway
from csms.message_store import MessageStore
from csms.metrics import Metrics
from csms.passwords import Passwords
from csms.registry import Registration, Registry, Station
from csms.remote_starts import RemoteStarts
from csms.reservations import Reservations
from csms.retention import Retention, Rule
from csms.session import Session
from csms.settings import Settings
from csms.store import Store, StoreUnavailable
from csms.store.tables import events, messages
from csms.switchboard import Switchboard
from csms.tariffs import Tariffs
from csms.tokens import Tokens
from csms.user_mistake import UserMistake
from shared.clock import Clock
from shared.endpoint import Language
from shared.message_log import Exchange
from shared.websocket import Patience, WebSocket

_LAST_WORD_S: Final = 3.0

log = logging.getLogger()  # what people watch is told under no module's name


class Csms:
    """One CSMS: what it knows, and who is connected to it. Nothing listens yet; `gateway.handle` serves one stream."""

    def __init__(self, settings: Settings, clock: Clock, random: Random, passwords: Passwords, store: Store) -> None:
        """store: open, until the CSMS has ended."""
        self.settings = settings
        self.store = store
        self.registry = Registry(store, clock, Registration(settings.new_stations.capitalize()))
        self.device_models = DeviceModels(store, self.registry, clock, random)
        self.boot_retries = BootRetries(random)
        self.vendors = load_vendors()
        self.switchboard = Switchboard()
        self.passwords = passwords
        self.tokens = Tokens(store, clock)
        self.tariffs = Tariffs(store, clock)
        self.ledger = Ledger(store, clock)
        self.meter_log = MeterLog(store)
        self.clock = clock
        self.events = EventLog(store, clock)
        self.reservations = Reservations(store, self.events, clock, random)
        self.remote_starts = RemoteStarts(store, clock, random)
        self.commands = Commands(store, self.events, clock, self.switchboard, self._new_message_id)
        self.event_feed = EventFeed(store)
        self.messages = MessageStore(store, clock)
        self.metrics = Metrics()
        self._retention = Retention(store, clock, _rules(settings))
        self._is_listening = False
        self._random = random
        self.gateway = Gateway(
            registry=self.registry,
            switchboard=self.switchboard,
            passwords=self.passwords,
            open_registration=settings.registration == "open",
            max_stations=settings.max_stations,
            patience=Patience(ping_interval_s=settings.ping_interval),
            new_conversation=self._new_conversation,
            new_session=self._new_session,
        )
        self.api = create_api(
            Services(
                settings=settings,
                clock=clock,
                registry=self.registry,
                switchboard=self.switchboard,
                passwords=self.passwords,
                reservations=self.reservations,
                store=store,
                tokens=self.tokens,
                tariffs=self.tariffs,
                device_models=self.device_models,
                remote_starts=self.remote_starts,
                commands=self.commands,
                schemas=self.gateway.schemas,
                event_feed=self.event_feed,
                metrics=self.metrics,
                is_listening=lambda: self._is_listening,
            )
        )
        self._connect_metrics()

    async def load(self) -> None:
        """Have at hand what the store knows. Raises StoreUnavailable."""
        await self.tokens.load()
        await self.tariffs.load()
        await self.ledger.load()
        await self.registry.load()
        await self.device_models.load()
        await self.reservations.load()
        await self.commands.load()
        await self.messages.load()

    async def work(self) -> None:
        """Do what is to be done beside serving connections, until cancelled; after `load()`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.reservations.run)
            nursery.start_soon(self.commands.run)
            nursery.start_soon(self.messages.run)
            nursery.start_soon(self._retention.run)
            nursery.start_soon(self.registry.keep_last_seen)

    async def run(
        self, stop: trio.Event, *, task_status: trio.TaskStatus[tuple[int, str]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Load, listen and serve until `stop`, then say goodbye to everybody.

        task_status: started with the stations' port and the API's base URL. Raises UserMistake for an address that
        cannot be listened on, and for a database that cannot be read.
        """
        settings = self.settings
        try:
            await self.load()
        except StoreUnavailable as error:
            raise UserMistake(f"the database cannot be read: {error}") from None
        if settings.registration == "open":
            log.warning(
                "Registration is open: any station may connect, and the password it shows first is the one it must "
                "show from then on. --registration closed admits only stations made through REST."
            )
        try:
            listeners = await trio.open_tcp_listeners(settings.port, host=settings.host)
        except OSError as error:
            raise UserMistake(_cannot_listen("stations", settings.host, settings.port, "--port", error)) from None
        async with trio.open_nursery() as background:
            background.start_soon(self.work)
            await self._serve(listeners, stop, task_status)
            with trio.move_on_after(_LAST_WORD_S):
                await self.registry.write_last_seen()  # after the goodbyes: until then stations have been heard
            await self.messages.close()
            background.cancel_scope.cancel()

    async def _serve(
        self, listeners: list[trio.SocketListener], stop: trio.Event, task_status: trio.TaskStatus[tuple[int, str]]
    ) -> None:
        settings = self.settings
        async with trio.open_nursery() as nursery:
            await nursery.start(self.gateway.serve, listeners, stop)
            port: int = listeners[0].socket.getsockname()[1]
            # Who left the choice of the port to the system has to be told it, whatever else is not logged.
            level = logging.INFO if settings.port else max(logging.INFO, log.getEffectiveLevel())
            log.log(level, "WebSocket Server Started : %s:%d", settings.host, port)
            try:
                url = await nursery.start(partial(serve_api, self.api, settings.api_host, settings.api_port, stop))
            except* OSError as errors:
                raise UserMistake(
                    _cannot_listen("REST", settings.api_host, settings.api_port, "--api-port", _first(errors))
                ) from None
            self._is_listening = True
            task_status.started((port, url))
            await stop.wait()
            self._is_listening = False
            self.event_feed.close()

    def _new_conversation(self, station: Station) -> Conversation:
        return Conversation(
            station=station,
            store=self.store,
            events=self.events,
            registry=self.registry,
            device_models=self.device_models,
            boot_retries=self.boot_retries,
            vendors=self.vendors,
            passwords=self.passwords,
            reservations=self.reservations,
            remote_starts=self.remote_starts,
            tokens=self.tokens,
            tariffs=self.tariffs,
            ledger=self.ledger,
            meter_log=self.meter_log,
            clock=self.clock,
            heartbeat_interval_s=self.settings.heartbeat_interval,
            boot_retry_interval_s=self.settings.boot_retry_interval,
            accepts_after_report=self.settings.accept_pending == "report",
        )

    def _new_session(self, ws: WebSocket, language: Language, conversation: Conversation) -> Session:
        return Session(
            ws,
            language,
            conversation,
            self.switchboard,
            new_message_id=self._new_message_id,
            call_timeout_s=self.settings.call_timeout,
            ready=self.commands.ready,
            recorder=self._record,
        )

    def _record(self, exchange: Exchange) -> None:
        self.metrics.exchange(exchange)
        self.messages.record(exchange)

    def _connect_metrics(self) -> None:
        """Let what happens be counted, and those who wait for events be told of commits."""
        metrics, writer, seats = self.metrics, self.store.writer, self.switchboard.seats
        writer.after_commit(metrics.commit)
        writer.after_commit(lambda commit: self.event_feed.wake() if self.events.has_news(commit) else None)
        metrics.gauge("csms_stations_connected", "Stations connected", lambda: len(self.switchboard.station_ids()))
        metrics.gauge("csms_writers_waiting", "Writers that wait for a commit", lambda: writer.waiting)
        metrics.gauge(
            "csms_calls_waiting",
            "CALLs that wait for their turn, at all stations",
            lambda: sum(seat.commands.statistics().current_buffer_used for seat in seats()),
        )
        metrics.gauge("csms_event_readers", "Who follows the events", lambda: self.event_feed.readers)
        metrics.gauge("csms_message_log_waiting", "Messages not written yet", lambda: self.messages.waiting)
        metrics.count_of("csms_message_log_dropped", "Messages never written", lambda: self.messages.dropped)

    def _new_message_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _first(errors: ExceptionGroup[OSError]) -> OSError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _rules(settings: Settings) -> list[Rule]:
    return [
        Rule(
            messages,
            messages.c.message_no,
            messages.c.called_at,
            timedelta(days=settings.message_log_days),
            settings.message_log_count,
        ),
        Rule(
            events, events.c.event_id, events.c.happened_at, timedelta(days=settings.event_days), settings.event_count
        ),
    ]


def _cannot_listen(whom: str, host: str, port: int, flag: str, error: OSError) -> str:
    reasons = {
        errno.EADDRINUSE: f"the port is taken: stop who holds it, or choose another with {flag}",
        errno.EACCES: f"the port is reserved for the system: choose one above 1023 with {flag}",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }
    return f"cannot listen for {whom} on {host}:{port}: {reasons.get(error.errno or 0, error.strerror or error)}"
