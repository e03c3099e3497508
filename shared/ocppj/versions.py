"""The versions of OCPP spoken here: subprotocol, schemas, and which side may send which action."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


class Side(enum.Enum):
    """The two ends of an OCPP connection."""

    CSMS = "CSMS"
    STATION = "Charging Station"

    @property
    def other(self) -> Side:
        return Side.STATION if self is Side.CSMS else Side.CSMS


@dataclass(frozen=True, slots=True)
class Version:
    """One version of OCPP.

    subprotocol: its name in Sec-WebSocket-Protocol. schema_folder: where the ocpp package keeps its schemas.
    station_actions, csms_actions: what the charging station and what the CSMS may send.
    """

    subprotocol: str
    schema_folder: str
    station_actions: frozenset[str]
    csms_actions: frozenset[str]

    @property
    def actions(self) -> frozenset[str]:
        """Every action of this version."""
        return self.station_actions | self.csms_actions

    def sent_by(self, side: Side) -> frozenset[str]:
        """The actions that `side` may send."""
        return self.csms_actions if side is Side.CSMS else self.station_actions


V201: Final = Version(
    subprotocol="ocpp2.0.1",
    schema_folder="v201",
    station_actions=frozenset(
        """
        Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification Get15118EVCertificate
        GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
        NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport
        NotifyReport PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate
        SecurityEventNotification SignCertificate StatusNotification TransactionEvent
        """.split()
    ),
    csms_actions=frozenset(
        """
        CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile ClearDisplayMessage
        ClearVariableMonitoring CostUpdated CustomerInformation DataTransfer DeleteCertificate GetBaseReport
        GetChargingProfiles GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion
        GetLog GetMonitoringReport GetReport GetTransactionStatus GetVariables InstallCertificate PublishFirmware
        RequestStartTransaction RequestStopTransaction ReserveNow Reset SendLocalList SetChargingProfile
        SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables
        TriggerMessage UnlockConnector UnpublishFirmware UpdateFirmware
        """.split()
    ),
)

VERSIONS: Final = (V201,)  # in the CSMS's order of preference


def choose_version(offered: Iterable[str]) -> Version | None:
    """The version to speak with a peer that offers these subprotocols, None when there is none in common."""
    offers = set(offered)
    return next((version for version in VERSIONS if version.subprotocol in offers), None)
