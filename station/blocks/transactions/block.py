"""The transactions of all EVSEs, tokens that are presented, and events on their way to the CSMS."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final, NotRequired, Protocol, TypedDict, cast

from shared.clock import Clock
from station.blocks.authorization import NEVER_ASKED_ABOUT, Authorization
from station.blocks.block import Block, Handler
from station.blocks.meter_values import Sampling, Signer
from station.blocks.transactions.grant import Grant
from station.blocks.transactions.session import Session
from station.blocks.transactions.surroundings import Surroundings
from station.device_model import AUTH_ENABLED, MASTER_PASS_GROUP_ID, RESUMPTION_TIMEOUT, DeviceModel
from station.hardware import Evse, Hardware
from station.id_token import NO_AUTHORIZATION, IdToken, IdTokenInfo, same
from station.outgoing import Outgoing, Payload
from station.state import State
from station.state.keys import TRANSACTIONS
from station.transaction_queue import TransactionQueue

Decided = Callable[[IdTokenInfo], None]

NOT_NOW: Final[IdTokenInfo] = {"status": "NotAtThisTime"}


class GetTransactionStatusRequest(TypedDict):
    transactionId: NotRequired[str]


class Reservations(Protocol):
    """What transactions ask of the reservations block."""

    def may_use(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> bool: ...
    def holds_for(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> bool: ...
    def use(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> int | None: ...


class Transactions(Block):
    """One session for each EVSE."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        state: State,
        variables: DeviceModel,
        clock: Clock,
        *,
        monotonic: Callable[[], float],
        random: Random,
        signer: Signer,
        authorization: Authorization,
        reservations: Reservations,
        usable: Callable[[Evse], bool],
        online: Callable[[], bool],
        happened: Callable[[Payload], None] = lambda _: None,
    ) -> None:
        """usable: a vehicle may charge at this EVSE, as far as switches and the registration are concerned.

        happened: told of each TransactionEventRequest when it is queued.
        """
        self._state = state
        self._variables = variables
        self._clock = clock
        self._random = random
        self._authorization = authorization
        self._reservations = reservations
        self._happened = happened
        self._deciding: set[int] = set()  # EVSEs for which nobody has decided on a token yet: one at a time
        self.queue = TransactionQueue(identity, state, variables, monotonic=monotonic, answered=self._answered)
        self.sampling = Sampling(variables, clock, signer)
        surroundings = Surroundings(
            variables=variables,
            clock=clock,
            monotonic=monotonic,
            sampling=self.sampling,
            new_transaction_id=self._new_transaction_id,
            usable=usable,
            has_room=lambda: not self.queue.is_full,
            online=online,
            send=self._send,
            keep=self._keep,
        )
        self._sessions: Final = {evse.evse_id: Session(evse, surroundings) for evse in hardware.evses}

    @property
    def sessions(self) -> Mapping[int, Session]:
        """The session of each EVSE, by its id."""
        return self._sessions

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"GetTransactionStatus": self.get_transaction_status}

    def view(self) -> Mapping[str, Any]:
        """The transactions that are ongoing, who may charge where, and how many events are still to be delivered."""
        sessions = self._sessions.values()
        return {
            "transactions": [session.transaction.view() for session in sessions if session.transaction is not None],
            "authorized": [
                {"evseId": session.evse.evse_id, "idToken": session.grant.id_token, "refused": session.grant.refused}
                for session in sessions
                if session.grant is not None
            ],
            "events_queued": len(self.queue),
        }

    def resume(self) -> None:
        """Go on after a boot with the transactions that were kept, and see what is at the EVSEs."""
        for evse_id, session in self._sessions.items():
            session.resume(self._state.get(f"{TRANSACTIONS}{evse_id}"), self._variables[RESUMPTION_TIMEOUT])

    def find(self, transaction_id: str) -> Session | None:
        """The session whose ongoing transaction this is."""
        return next((session for session in self._sessions.values() if _is(session, transaction_id)), None)

    def ongoing(self, evse_id: int | None = None) -> bool:
        """Whether a transaction is ongoing on this EVSE, or on any."""
        return any(session.transaction is not None for session in self._chosen(evse_id))

    def charging(self, evse_id: int) -> bool:
        """Whether this EVSE has a transaction, or somebody who may begin one: it is not available for anybody else."""
        session = self._sessions[evse_id]
        return session.transaction is not None or session.grant is not None

    def busy(self, evse_id: int | None = None) -> bool:
        """Whether this EVSE, or any, is not idle: a transaction, a token that may charge, is decided on, or is awaited.

        The last is where a cable is kept for its owner (E05.FR.11, E09.FR.03).
        """
        return any(
            self.charging(session.evse.evse_id)
            or session.locked_for is not None
            or session.evse.evse_id in self._deciding
            for session in self._chosen(evse_id)
        )

    def charging_s(self, evse_id: int) -> float:
        """For how long energy has been flowing in this EVSE's transaction, or did in its last one since the boot."""
        return self._sessions[evse_id].charging_s

    def unsent(self, evse_id: int | None = None) -> bool:
        """Whether events are still to be delivered: of transactions of this EVSE, or of any."""
        return self.queue.pending_at(evse_id)

    def end(self, evse_id: int | None, stopped_reason: str, trigger_reason: str = "ResetCommand") -> None:
        """End what is ongoing on this EVSE, or on all, whatever the stop points say (B12.FR.04)."""
        for session in self._chosen(evse_id):
            if session.transaction is not None or session.grant is not None:
                session.abort(trigger_reason, stopped_reason)

    def present_token(self, evse_id: int, id_token: IdToken, decided: Decided) -> None:
        """Somebody presents a token at an EVSE, which there is. decided: told what becomes of it, once.

        It starts or authorizes a transaction, ends the authorization of one (C01.FR.03, C09, C16, E07), or does
        nothing.
        """
        session = self._sessions[evse_id]
        if evse_id in self._deciding:
            decided(NOT_NOW)
        elif session.grant is not None:
            self._present_to_stop(session, session.grant, id_token, decided)
        elif session.locked_for is not None and same(session.locked_for, id_token):
            session.release()  # E05.FR.11, E09.FR.03
            decided({"status": "Accepted"})
        elif not self._variables[MASTER_PASS_GROUP_ID] and not self._is_free(session, id_token):
            decided(NOT_NOW)
        else:
            self._ask(evse_id, id_token, lambda info: decided(self._start(session, id_token, info)))

    def press_stop(self, evse_id: int) -> None:
        """Somebody presses the button that ends charging (E07.FR.05)."""
        self._sessions[evse_id].deauthorize("StopAuthorized", "Local")

    def choose(self, evse_id: int | None, id_token: IdToken, group_id_token: IdToken | None) -> Session | None:
        """Where somebody may start (F01.FR.20): at this EVSE, or at the best of all; None: nowhere.

        Rather one that is reserved for them than another, and rather one with a vehicle than one without.
        """
        free = [session for session in self._chosen(evse_id) if self.may_start(session, id_token, group_id_token)]
        return max(
            free,
            key=lambda session: (
                self._reservations.holds_for(session.evse.evse_id, id_token, group_id_token),
                session.evse.vehicle is not None,
            ),
            default=None,
        )

    def may_start(self, session: Session, id_token: IdToken, group_id_token: IdToken | None) -> bool:
        """Nobody charges there or is about to, it works, and it is not kept for others (F01.FR.21 to F01.FR.24)."""
        return session.evse.evse_id not in self._deciding and self._is_for(session, id_token, group_id_token)

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

    def tell_now(self, evse_id: int) -> bool:
        """Queue an event of the transaction at this EVSE, as it is now (F06.FR.07). Returns whether there is one."""
        return self._sessions[evse_id].tell_now()

    def get_transaction_status(self, request: GetTransactionStatusRequest) -> Payload:
        """Answer GetTransactionStatus (E14)."""
        transaction_id = request.get("transactionId")
        if transaction_id is None:
            return {"messagesInQueue": self.queue.pending()}
        return {
            "ongoingIndicator": self.find(transaction_id) is not None,
            "messagesInQueue": self.queue.pending(transaction_id),
        }

    def hardware_changed(self) -> None:
        for session in self._sessions.values():
            session.look()

    def disconnected(self) -> None:
        self.queue.disconnected()

    def tick(self) -> bool:
        done = [session.tick() for session in self._sessions.values()]
        if not self._variables[AUTH_ENABLED]:
            done += [self._let_anybody_charge(session) for session in self._sessions.values()]
        return any(done)

    def tick_at(self) -> float:
        return min((session.tick_at() for session in self._sessions.values()), default=math.inf)

    def next_call(self) -> Outgoing | None:
        """The TransactionEvent that waits longest."""
        return self.queue.next_call()

    def due_at(self) -> float:
        return self.queue.due_at()

    def _send(self, event: Payload) -> None:
        self.queue.append(event)
        self._happened(event)

    def _chosen(self, evse_id: int | None) -> Iterable[Session]:
        return [session for number, session in self._sessions.items() if evse_id in {None, number}]

    def _present_to_stop(self, session: Session, grant: Grant, id_token: IdToken, decided: Decided) -> None:
        known = self._authorization.known(id_token)
        if same(grant.id_token, id_token) or (known is not None and _stops(grant, known)):  # C01.FR.03
            session.deauthorize("StopAuthorized", "Local", id_token)
            decided({"status": "Accepted"})
        else:  # C09.FR.05
            self._ask(session.evse.evse_id, id_token, lambda info: decided(self._stop(session, id_token, info)))

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
        if self._is_master_pass(info):
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
        if self._is_master_pass(info):  # C16.FR.03
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
            and self._is_free(session, id_token)
            and self._reservations.may_use(session.evse.evse_id, id_token, group_id_token)
        )

    def _is_free(self, session: Session, id_token: IdToken) -> bool:
        return session.is_open and not self.queue.is_full and not session.is_for_somebody_else(id_token)

    def _stop_all(self, id_token: IdToken) -> None:
        """End all that a Master Pass may end (C16.FR.02)."""
        for session in self._sessions.values():
            session.deauthorize("StopAuthorized", "MasterPass", id_token)

    def _is_master_pass(self, info: IdTokenInfo) -> bool:
        group = self._variables[MASTER_PASS_GROUP_ID]
        return (
            info["status"] == "Accepted"
            and bool(group)
            and info.get("groupIdToken", NO_AUTHORIZATION)["idToken"].casefold() == group.casefold()
        )

    def _let_anybody_charge(self, session: Session) -> bool:
        """Where nobody is asked who they are, a vehicle that is connected may charge, once (C02, AuthEnabled)."""
        if not session.awaits_its_turn:
            return False
        return self._start(session, NO_AUTHORIZATION, {"status": "Accepted"})["status"] == "Accepted"

    def _answered(self, request: Payload, response: Payload) -> None:
        """See what the CSMS says of the token in an event (C10.FR.05, E05)."""
        if "idToken" not in request or "idTokenInfo" not in response:
            return
        id_token, info = cast(IdToken, request["idToken"]), cast(IdTokenInfo, response["idTokenInfo"])
        self._authorization.learn(id_token, info)
        session = self.find(request["transactionInfo"]["transactionId"])
        if session is None or session.grant is None or not same(session.grant.id_token, id_token):
            return
        if info["status"] != "Accepted" or session.evse.evse_id not in info.get("evseId", [session.evse.evse_id]):
            session.refused()
        else:
            session.accepted(info.get("groupIdToken"))

    def _new_transaction_id(self) -> str:
        """Never the same twice, also from the same seed on another day (E01.FR.08): a UUID of version 7."""
        now_ms = max(0, int(self._clock.now().timestamp() * 1000))  # the CSMS may have set the clock before 1970
        random_a, random_b = self._random.getrandbits(12), self._random.getrandbits(62)
        return str(uuid.UUID(int=now_ms << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b))

    def _keep(self, evse_id: int, value: Payload | None) -> None:
        key = f"{TRANSACTIONS}{evse_id}"
        if value is None:
            self._state.delete(key)
        else:
            self._state.put(key, value)


def _is(session: Session, transaction_id: str) -> bool:
    return session.transaction is not None and session.transaction.transaction_id == transaction_id


def _stops(grant: Grant, info: IdTokenInfo) -> bool:
    """A token of which this is known may end what another of its group has begun (C09.FR.03, C09.FR.11)."""
    group = info.get("groupIdToken")
    if grant.group_id_token is None or group is None:
        return False
    return info["status"] == "Accepted" and same(grant.group_id_token, group)
