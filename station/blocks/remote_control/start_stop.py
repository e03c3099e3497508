"""The CSMS does what a driver could do at the station: start, stop, unlock (F01-F05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from station.blocks.block import Block, Handler
from station.blocks.transactions import Transactions
from station.device_model import ADDITIONAL_INFO_ITEMS_PER_MESSAGE, AUTHORIZE_REMOTE_START, DeviceModel
from station.hardware import Hardware
from station.id_token import TOO_MANY_ITEMS, IdToken, additional_items
from station.outgoing import Payload


class RequestStartTransactionRequest(TypedDict):
    """chargingProfile is not looked at: the station has no smart charging (F01.FR.12, F02.FR.20)."""

    idToken: IdToken
    remoteStartId: int
    evseId: NotRequired[int]
    groupIdToken: NotRequired[IdToken]


class RequestStopTransactionRequest(TypedDict):
    transactionId: str


class UnlockConnectorRequest(TypedDict):
    evseId: int
    connectorId: int


class RemoteControl(Block):
    """Answers what the CSMS asks for, and has it happen."""

    def __init__(self, hardware: Hardware, variables: DeviceModel, transactions: Transactions) -> None:
        self._hardware = hardware
        self._variables = variables
        self._transactions = transactions

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "RequestStartTransaction": self.request_start_transaction,
            "RequestStopTransaction": self.request_stop_transaction,
            "UnlockConnector": self.unlock_connector,
        }

    def request_start_transaction(self, request: RequestStartTransactionRequest) -> Payload:
        """Answer RequestStartTransaction (F01, F02); Rejected where nobody may start."""
        id_token, group_id_token = request["idToken"], request.get("groupIdToken")
        if additional_items(id_token, group_id_token) > self._variables[ADDITIONAL_INFO_ITEMS_PER_MESSAGE]:
            return {"status": "Rejected", "statusInfo": TOO_MANY_ITEMS}
        session = self._transactions.admission.choose(request.get("evseId"), id_token, group_id_token)
        if session is None:
            return {"status": "Rejected"}
        response: Payload = {"status": "Accepted"}
        if session.transaction is not None:
            response["transactionId"] = session.transaction.transaction_id  # F01.FR.13
        self._transactions.admission.remote_start(
            session,
            id_token,
            group_id_token,
            request["remoteStartId"],
            check=self._variables[AUTHORIZE_REMOTE_START],  # F01.FR.01, F01.FR.02
        )
        return response

    def request_stop_transaction(self, request: RequestStopTransactionRequest) -> Payload:
        """Answer RequestStopTransaction (F03): Rejected where this transaction is not ongoing (F03.FR.08)."""
        session = self._transactions.find(request["transactionId"])
        if session is None:
            return {"status": "Rejected"}
        session.remote_stop()
        return {"status": "Accepted"}

    def unlock_connector(self, request: UnlockConnectorRequest) -> Payload:
        """Answer UnlockConnector (F05). The lock is tried although no cable may be there (F05.FR.06)."""
        evse = self._hardware.evse(request["evseId"])
        connector = None if evse is None else evse.connector(request["connectorId"])
        if evse is None or connector is None:
            return {"status": "UnknownConnector"}
        session = self._transactions.sessions[evse.evse_id]
        if session.transaction is not None and session.grant is not None and evse.plugged is connector:
            return {"status": "OngoingAuthorizedTransaction"}
        if not connector.unlock():
            return {"status": "UnlockFailed"}
        session.unlocked(tell=evse.plugged is connector)
        return {"status": "Unlocked"}
