"""The CSMS's operator, who has it send requests to the station."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from shared.ocppj import date_time
from station.app import Station
from tests.station.life.chance import HOUR_S, Chance
from tests.station.life.drivers import CARDS, Ask, card

_EVERY_S: Final = HOUR_S
_SETTINGS: Final = (
    ("SampledDataCtrlr", "TxUpdatedInterval", ("300", "600", "900")),
    ("SampledDataCtrlr", "TxEndedInterval", ("0", "900")),
    ("AlignedDataCtrlr", "Interval", ("0", "900", "3600")),
    ("TxCtrlr", "TxStartPoint", ("PowerPathClosed", "EVConnected", "Authorized", "EVConnected,Authorized")),
    ("TxCtrlr", "TxStopPoint", ("PowerPathClosed", "EVConnected", "Authorized", "EVConnected,Authorized")),
    ("TxCtrlr", "StopTxOnEVSideDisconnect", ("true", "false")),
    ("AuthCtrlr", "LocalPreAuthorize", ("true", "false")),
    ("OCPPCommCtrlr", "HeartbeatInterval", ("600", "900")),
    ("TxCtrlr", "NoSuchVariable", ("1",)),
)
_TRIGGERS: Final = ("Heartbeat", "StatusNotification", "MeterValues", "TransactionEvent", "BootNotification")


class Operator:
    """One request after the other, of any kind."""

    def __init__(self, station: Station, chance: Chance, ask: Ask, now: Callable[[], datetime]) -> None:
        self._station = station
        self._chance = chance
        self._ask = ask
        self._now = now
        self._number = 0
        self.answers: dict[str, list[str | None]] = {}
        """Status of each answer, by action; None: no answer, or one without a status."""

    async def work(self) -> None:
        deeds = (
            self._reserve,
            self._cancel,
            self._start,
            self._stop,
            self._switch_off_and_on,
            self._set_variable,
            self._get_variables,
            self._report,
            self._reset,
            self._trigger,
            self._look,
            self._clear_cache,
        )
        while True:
            await self._chance.wait(_EVERY_S)
            await self._chance.random.choice(deeds)()

    async def set_variable(self, component: str, variable: str, value: str, instance: str | None = None) -> None:
        """Give a variable of the station a value."""
        named = {"name": variable} if instance is None else {"name": variable, "instance": instance}
        data = {"component": {"name": component}, "variable": named, "attributeValue": value}
        await self._do("SetVariables", {"setVariableData": [data]})

    async def put_in_use(self) -> None:
        """Switch everything on."""
        for evse in ({}, {"evse": {"id": 1}}, {"evse": {"id": 2}}, {"evse": {"id": 2, "connectorId": 1}}):
            await self._do("ChangeAvailability", {"operationalStatus": "Operative", **evse})

    async def cancel_reservations(self) -> None:
        """Cancel all reservations there may be."""
        for number in range(1, self._number + 1):
            await self._do("CancelReservation", {"reservationId": number})

    async def _do(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self._ask(action, payload)
        self.answers.setdefault(action, []).append(None if answer is None else answer.get("status"))
        return answer

    def _evse_id(self) -> int:
        return self._chance.random.randint(1, 2)

    async def _reserve(self) -> None:
        self._number += 1
        wish: dict[str, Any] = {
            "id": self._number,
            "expiryDateTime": date_time.to_wire(self._now() + timedelta(seconds=self._chance.between(60, 3 * HOUR_S))),
            "idToken": card(self._chance.random.choice(CARDS)),
        }
        if self._chance.happens(0.7):
            wish["evseId"] = self._evse_id()
        await self._do("ReserveNow", wish)

    async def _cancel(self) -> None:
        await self._do("CancelReservation", {"reservationId": max(1, self._number)})

    async def _start(self) -> None:
        self._number += 1
        wish = {"idToken": card(self._chance.random.choice(CARDS)), "remoteStartId": self._number}
        if self._chance.happens(0.8):
            wish["evseId"] = self._evse_id()
        await self._do("RequestStartTransaction", wish)

    async def _stop(self) -> None:
        await self._do("RequestStopTransaction", {"transactionId": self._some_transaction()})

    async def _look(self) -> None:
        await self._do("GetTransactionStatus", {"transactionId": self._some_transaction()})

    def _some_transaction(self) -> str:
        firmware = self._station.firmware
        ongoing = [] if firmware is None else firmware.view()["transactions"]
        return self._chance.random.choice(ongoing)["transactionId"] if ongoing else "none"

    async def _switch_off_and_on(self) -> None:
        evse = self._chance.random.choice([{}, {"evse": {"id": 1}}, {"evse": {"id": 2, "connectorId": 1}}])
        await self._do("ChangeAvailability", {"operationalStatus": "Inoperative", **evse})
        await self._chance.stay(60, HOUR_S)
        await self._do("ChangeAvailability", {"operationalStatus": "Operative", **evse})

    async def _set_variable(self) -> None:
        component, variable, values = self._chance.random.choice(_SETTINGS)
        await self.set_variable(component, variable, self._chance.random.choice(values))

    async def _get_variables(self) -> None:
        component, variable, _ = self._chance.random.choice(_SETTINGS)
        await self._do(
            "GetVariables", {"getVariableData": [{"component": {"name": component}, "variable": {"name": variable}}]}
        )

    async def _report(self) -> None:
        self._number += 1
        base = self._chance.random.choice(["FullInventory", "ConfigurationInventory", "SummaryInventory"])
        await self._do("GetBaseReport", {"requestId": self._number, "reportBase": base})

    async def _reset(self) -> None:
        reset: dict[str, Any] = {"type": self._chance.random.choice(["Immediate", "OnIdle"])}
        if self._chance.happens(0.5):
            reset["evseId"] = self._evse_id()
        await self._do("Reset", reset)

    async def _trigger(self) -> None:
        await self._do("TriggerMessage", {"requestedMessage": self._chance.random.choice(_TRIGGERS)})

    async def _clear_cache(self) -> None:
        await self._do("ClearCache", {})
