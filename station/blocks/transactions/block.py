"""The transactions of all EVSEs, and their events on the way to the CSMS."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final, NotRequired, TypedDict, cast

from shared.clock import Clock
from station.blocks.authorization import Authorization
from station.blocks.block import Block, Handler
from station.blocks.meter_values import Sampling, Signer
from station.blocks.transactions.admission import Admission, Reservations
from station.blocks.transactions.session import Session
from station.blocks.transactions.surroundings import Surroundings
from station.device_model import RESUMPTION_TIMEOUT, DeviceModel
from station.hardware import Evse, Hardware
from station.id_token import IdToken, IdTokenInfo, same
from station.outgoing import Outgoing, Payload
from station.state import State
from station.state.keys import TRANSACTIONS
from station.transaction_queue import TransactionQueue


class GetTransactionStatusRequest(TypedDict):
    transactionId: NotRequired[str]


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
        self._happened = happened
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
        self.admission = Admission(
            self._sessions, variables, authorization, reservations, has_room=surroundings.has_room
        )

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
        """The session whose ongoing transaction this is, however the id is spelt: it is an identifierString."""
        wanted = transaction_id.casefold()
        return next((session for session in self._sessions.values() if _is(session, wanted)), None)

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
            or self.admission.decides(session.evse.evse_id)
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

    def press_stop(self, evse_id: int) -> None:
        """Somebody presses the button that ends charging (E07.FR.05)."""
        self._sessions[evse_id].deauthorize("StopAuthorized", "Local")

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
            "messagesInQueue": self.queue.pending(transaction_id.casefold()),  # as `_new_transaction_id` spells them
        }

    def hardware_changed(self) -> None:
        for session in self._sessions.values():
            session.look()

    def disconnected(self) -> None:
        self.queue.disconnected()

    def tick(self) -> bool:
        done = [session.tick() for session in self._sessions.values()]
        return self.admission.let_anybody_charge() or any(done)

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
