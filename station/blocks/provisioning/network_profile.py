"""The CSMS gives the station other ways to itself, or to another CSMS, for its next boot (B09, B10, A05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NotRequired, TypedDict

from shared.handshake import connection_url
from station.blocks.block import Block, Handler
from station.device_model import CERTIFICATE_ENTRIES, NETWORK_CONFIGURATION_PRIORITY, NETWORK_SLOTS, DeviceModel
from station.device_model.data_types import Unacceptable
from station.network_profile import NetworkProfile, NetworkProfiles, security_profile
from station.outgoing import Payload

_WITH_CLIENT_CERTIFICATE: Final = 3


class ConnectionData(TypedDict):
    """NetworkConnectionProfileType."""

    ocppTransport: Literal["JSON", "SOAP"]
    ocppCsmsUrl: str
    messageTimeout: int
    securityProfile: int
    apn: NotRequired[object]
    vpn: NotRequired[object]


class SetNetworkProfileRequest(TypedDict):
    configurationSlot: int
    connectionData: ConnectionData


class Refused(Exception):
    """A profile is not taken. reason_code: for the CSMS's program; the text is for a person."""

    def __init__(self, reason_code: str, text: str) -> None:
        super().__init__(text)
        self.reason_code = reason_code


class NetworkProfileSettings(Block):
    """Takes profiles, and checks what order they are to be tried in."""

    def __init__(self, identity: str, variables: DeviceModel, profiles: NetworkProfiles) -> None:
        self._identity = identity
        self._variables = variables
        self._profiles = profiles
        variables.guard(NETWORK_CONFIGURATION_PRIORITY, self._check_priority)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"SetNetworkProfile": self.set_network_profile}

    def set_network_profile(self, request: SetNetworkProfileRequest) -> Payload:
        """Answer SetNetworkProfile. What is in use stays as it is until the next boot (B09 remark)."""
        try:
            self._store(str(request["configurationSlot"]), request["connectionData"])
        except Refused as refused:
            info = {"reasonCode": refused.reason_code, "additionalInfo": str(refused)[:512]}
            return {"status": "Rejected", "statusInfo": info}
        return {"status": "Accepted"}

    def _store(self, slot: str, data: ConnectionData) -> None:
        if slot not in NETWORK_SLOTS:
            raise Refused("InvalidConfSlot", f"the slots are {', '.join(NETWORK_SLOTS)}")  # B09.FR.05
        if data["securityProfile"] < self._security:
            raise Refused("NoSecurityDowngrade", f"security profile {self._security} is in use")  # B09.FR.04
        self._profiles[slot] = profile_of(data, self._identity)

    @property
    def _security(self) -> int:
        """The security profile in use."""
        active = self._profiles.active
        return 1 if active is None else active.profile.security_profile

    def _check_priority(self, slots: tuple[str, ...]) -> None:
        """Raise Unacceptable for an order that the station could not follow (B10.FR.02, A05.FR.02, .03, .10)."""
        for slot in slots:
            profile = self._profiles[slot]
            if profile is None:
                raise Unacceptable("InvalidValue", f"slot {slot} has no network profile")
            wanted = profile.security_profile
            if wanted < self._security:
                raise Unacceptable("NoSecurityDowngrade", f"slot {slot} is less secure than what is in use")
            if wanted > self._security and self._variables[CERTIFICATE_ENTRIES] == 0:
                raise Unacceptable("InvalidValue", f"slot {slot} needs a CSMS root certificate, which is not installed")
            if wanted == _WITH_CLIENT_CERTIFICATE:
                raise Unacceptable("InvalidValue", f"slot {slot} needs a station certificate, which is not installed")


def profile_of(data: ConnectionData, identity: str) -> NetworkProfile:
    """The profile in a NetworkConnectionProfileType; raises Refused for one that cannot be (B09.FR.02).

    ocppVersion is ignored (Part 2 §2.35), and the station has one network interface for whatever ocppInterface says.
    """
    url, wanted = data["ocppCsmsUrl"], data["securityProfile"]
    try:
        connection_url(url, identity)
    except ValueError as error:
        raise Refused("InvalidNetworkConf", f"ocppCsmsUrl: {error}") from error
    if data["ocppTransport"] != "JSON":
        raise Refused("InvalidNetworkConf", "the station speaks OCPP-J, ocppTransport JSON")
    if data["messageTimeout"] < 1:
        raise Refused("InvalidNetworkConf", "messageTimeout is a second at least")
    if not 1 <= wanted <= _WITH_CLIENT_CERTIFICATE or (wanted == 1) != (security_profile(url) == 1):
        raise Refused("InvalidNetworkConf", f"securityProfile {wanted} does not go with {url}")
    for option in ("apn", "vpn"):
        if option in data:
            raise Refused("InvalidNetworkConf", f"the station is wired to its network, there is no {option}")
    return NetworkProfile(url, wanted, data["messageTimeout"])
