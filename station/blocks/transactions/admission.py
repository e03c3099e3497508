"""Who may charge at which EVSE, and who may end that: drivers with tokens, and the CSMS for them (C, E07, F01)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from station.blocks.authorization import NEVER_ASKED_ABOUT, Authorization
from station.blocks.transactions.grant import Grant
from station.blocks.transactions.session import Session
from station.device_model import AUTH_ENABLED, MASTER_PASS_GROUP_ID, DeviceModel
from station.id_token import NO_AUTHORIZATION, IdToken, IdTokenInfo, same

Decided = Callable[[IdTokenInfo], None]

NOT_NOW: Final[IdTokenInfo] = {"status": "NotAtThisTime"}


class Reservations(Protocol):
    """What transactions ask of the reservations block."""

    def may_use(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> bool: ...
    def holds_for(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> bool: ...
    def use(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> int | None: ...


class Admission:
    """Gives authorizations to the sessions, and takes them away; one question about a token at a time at each EVSE."""

    def __init__(
        self,
        sessions: Mapping[int, Session],
        variables: DeviceModel,
        authorization: Authorization,
        reservations: Reservations,
        *,
        has_room: Callable[[], bool],
    ) -> None:
        """sessions: by EVSE. has_room: there is room for the events of another transaction."""
        self._sessions = sessions
        self._variables = variables
        self._authorization = authorization
        self._reservations = reservations
        self._has_room = has_room
        self._deciding: set[int] = set()  # EVSEs for which nobody has decided on a token yet

    def present_token(self, evse_id: int, id_token: IdToken, decided: Decided) -> None:
        """Somebody presents a token at an EVSE, which there is. decided: told what becomes of it, once.

        It starts or authorizes a transaction, ends the authorization of one (C01.FR.03, C09, C16, E07), or does
        nothing.
        """
        session = self._sessions[evse_id]
        if session.grant is not None and self._stops_by_itself(session.grant, id_token):  # C01.FR.03
            session.deauthorize("StopAuthorized", "Local", id_token)
            decided({"status": "Accepted"})
        elif evse_id in self._deciding:
            decided(NOT_NOW)
        elif session.grant is not None:  # C09.FR.05
            self._ask(evse_id, id_token, lambda info: decided(self._stop(session, id_token, info)))
        elif session.locked_for is not None and same(session.locked_for, id_token):
            session.release()  # E05.FR.11, E09.FR.03
            decided({"status": "Accepted"})
        elif not self._variables[MASTER_PASS_GROUP_ID] and not self._is_free(session, id_token):
            decided(NOT_NOW)
        else:
            self._ask(evse_id, id_token, lambda info: decided(self._start(session, id_token, info)))

    def choose(self, evse_id: int | None, id_token: IdToken, group_id_token: IdToken | None) -> Session | None:
        """Where somebody may start (F01.FR.20): at this EVSE, or at the best of all; None: nowhere.

        Rather one that is reserved for them than another, and rather one with a vehicle than one without.
        """
        chosen = [session for number, session in self._sessions.items() if evse_id in {None, number}]
        return max(
            (session for session in chosen if self.may_start(session, id_token, group_id_token)),
            key=lambda session: (
                self._reservations.holds_for(session.evse.evse_id, id_token, group_id_token),
                session.evse.vehicle is not None,
            ),
            default=None,
        )

    def may_start(self, session: Session, id_token: IdToken, group_id_token: IdToken | None) -> bool:
        """Nobody charges there or is about to, it works, and it is not kept for others (F01.FR.21 to F01.FR.24)."""
        return session.evse.evse_id not in self._deciding and self._is_for(session, id_token, group_id_token)

    def decides(self, evse_id: int) -> bool:
        """Whether a token that was presented at this EVSE is still being decided on."""
        return evse_id in self._deciding

    def remote_start(
        self, session: Session, id_token: IdToken, group_id_token: IdToken | None, remote_start_id: int, *, check: bool
    ) -> None:
        """The CSMS has asked to let somebody charge (F01, F02), where `may_start` says yes.

        check: find out whether they may, as for a driver.
        """

        def start(info: IdTokenInfo) -> IdTokenInfo:
            known: IdTokenInfo = (
                info if "groupIdToken" in info or group_id_token is None else {**info, "groupIdToken": group_id_token}
            )
            return self._start(session, id_token, known, remote_start_id)

        if check and id_token["type"] not in NEVER_ASKED_ABOUT:
            self._ask(session.evse.evse_id, id_token, start)
        else:
            start({"status": "Accepted"})

    def let_anybody_charge(self) -> bool:
        """Where nobody is asked who they are, a vehicle that is connected may charge, once (C02, AuthCtrlr.Enabled).

        Returns whether one does so from now on.
        """
        if self._variables[AUTH_ENABLED]:
            return False
        waiting = [session for session in self._sessions.values() if session.awaits_its_turn]
        started = [self._start(session, NO_AUTHORIZATION, {"status": "Accepted"}) for session in waiting]
        return any(info["status"] == "Accepted" for info in started)

    def _stops_by_itself(self, grant: Grant, id_token: IdToken) -> bool:
        """A token that ends this authorization, which nobody has to be asked about (C01.FR.03, C09.FR.07)."""
        if same(grant.id_token, id_token):
            return True
        known = self._authorization.known(id_token)
        return known is not None and _stops(grant, known)

    def _ask(self, evse_id: int, id_token: IdToken, decided: Callable[[IdTokenInfo], object]) -> None:
        def over(info: IdTokenInfo) -> None:
            try:
                decided(info)
            finally:  # not before: a scheduled reset would take the EVSE for idle, and close it
                self._deciding.discard(evse_id)

        self._deciding.add(evse_id)
        self._authorization.check(id_token, over)

    def _stop(self, session: Session, id_token: IdToken, info: IdTokenInfo) -> IdTokenInfo:
        grant = session.grant
        if info["status"] == "Accepted" and self._is_of_master_pass(info.get("groupIdToken")):
            self._stop_all(id_token)
        elif grant is not None and _stops(grant, info):
            session.deauthorize("StopAuthorized", "Local", id_token)
        elif info["status"] == "Accepted":
            return NOT_NOW  # somebody else is charging here (C09.FR.11)
        return info

    def _start(
        self, session: Session, id_token: IdToken, info: IdTokenInfo, remote_start_id: int | None = None
    ) -> IdTokenInfo:
        evse_id, group_id_token = session.evse.evse_id, info.get("groupIdToken")
        if info["status"] != "Accepted":
            return info
        if self._is_of_master_pass(group_id_token):  # C16.FR.03
            if remote_start_id is not None:
                return NOT_NOW
            self._stop_all(id_token)
            return info
        if evse_id not in info.get("evseId", [evse_id]):  # C01.FR.21
            return {"status": "NotAtThisLocation"}
        if not self._is_for(session, id_token, group_id_token):
            return NOT_NOW
        grant = Grant(
            id_token,
            group_id_token,
            remote_start_id,
            self._reservations.use(evse_id, id_token, group_id_token),
        )
        session.authorize(grant, "Authorized" if remote_start_id is None else "RemoteStart")
        return info

    def _is_for(self, session: Session, id_token: IdToken, group_id_token: IdToken | None) -> bool:
        return (
            session.grant is None
            and not self._is_of_master_pass(group_id_token)
            and self._is_free(session, id_token)
            and self._reservations.may_use(session.evse.evse_id, id_token, group_id_token)
        )

    def _is_free(self, session: Session, id_token: IdToken) -> bool:
        return session.is_open and self._has_room() and not session.is_for_somebody_else(id_token)

    def _stop_all(self, id_token: IdToken) -> None:
        """End all that a Master Pass may end (C16.FR.02)."""
        for session in self._sessions.values():
            session.deauthorize("StopAuthorized", "MasterPass", id_token)

    def _is_of_master_pass(self, group_id_token: IdToken | None) -> bool:
        """Who is of this group stops what others have begun, and starts nothing himself (C16)."""
        group = self._variables[MASTER_PASS_GROUP_ID]
        return bool(group) and group_id_token is not None and group_id_token["idToken"].casefold() == group.casefold()


def _stops(grant: Grant, info: IdTokenInfo) -> bool:
    """A token of which this is known may end what another of its group has begun (C09.FR.03, C09.FR.11)."""
    group = info.get("groupIdToken")
    if grant.group_id_token is None or group is None:
        return False
    return info["status"] == "Accepted" and same(grant.group_id_token, group)
