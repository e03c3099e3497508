"""What tests of charging share: cards, a station with variables as wanted, and what its CSMS is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import trio

from station.device_model import DeviceModel, Variable
from station.hardware import Evse
from station.id_token import IdToken
from tests.station.fake_csms import FakeCsms

SOCKET: Final = (("sType2",),)
CARD: Final[IdToken] = {"idToken": "04A1B2C3", "type": "ISO14443"}
OTHER_CARD: Final[IdToken] = {"idToken": "04FFEEDD", "type": "ISO14443"}

Told = tuple[str, str, str | None]
"""Type, trigger and charging state of an event."""


async def charge(evse: Evse, card: IdToken = CARD) -> None:
    """Plug in, present a card and charge for some time."""
    evse.connectors[0].plug_in()
    evse.reader.present(card)
    await trio.sleep(100)
    assert evse.contactor.closed


def charges(evse: Evse) -> bool:
    """The vehicle may have energy."""
    return evse.contactor.closed


def locked(evse: Evse) -> bool:
    """The cable is locked in."""
    return evse.connectors[0].locked


def model(values: Mapping[Variable[Any], Any] | None = None) -> DeviceModel:
    """A device model in which some variables have these values."""
    variables = DeviceModel()
    for variable, value in (values or {}).items():
        variables[variable] = value
    return variables


def member_of(group: str, status: str = "Accepted") -> dict[str, Any]:
    """An IdTokenInfoType of a token of this group."""
    return {"status": status, "groupIdToken": {"idToken": group, "type": "Central"}}


def setting(component: str, name: str, value: str) -> dict[str, Any]:
    """A SetVariablesRequest."""
    data = {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value}
    return {"setVariableData": [data]}


def told(csms: FakeCsms) -> list[Told]:
    """Each TransactionEvent but those for meter values alone."""
    return [
        (event["eventType"], event["triggerReason"], event["transactionInfo"].get("chargingState"))
        for event in csms.events()
        if event["triggerReason"] not in {"MeterValuePeriodic", "MeterValueClock"}
    ]


def last(csms: FakeCsms) -> tuple[str, str, str | None]:
    """Type, trigger and stoppedReason of the last TransactionEvent."""
    event = csms.events()[-1]
    return event["eventType"], event["triggerReason"], event["transactionInfo"].get("stoppedReason")


def values(meter_value: Mapping[str, Any], measurand: str) -> list[float]:
    """The values of a measurand in a MeterValueType."""
    return [sample["value"] for sample in meter_value["sampledValue"] if sample["measurand"] == measurand]
