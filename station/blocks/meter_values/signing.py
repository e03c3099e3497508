"""Signed meter values: the register of an EVSE's meter, with the meter's own signature (J01.FR.21, J02.FR.21).

Written in OCMF, the format that meters for sale of electricity use, and signed with ECDSA over the curve secp256r1.
"""

from __future__ import annotations

import base64
from datetime import datetime
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Final

import orjson

from station.blocks.meter_values.samples import Signature
from station.device_model import PUBLIC_KEY_WITH_SIGNED_METER_VALUE, DeviceModel
from station.hardware import Evse
from station.outgoing import Payload
from station.state import State
from station.state.keys import METER_KEY, METER_PAGE

if TYPE_CHECKING:
    from station.blocks.meter_values.meter_key import MeterKey

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_TRANSACTION_MARKS: Final = {"Transaction.Begin": "B", "Sample.Periodic": "C", "Transaction.End": "E"}
"""OCMF's TX, by the context of the reading; readings in other contexts belong to no transaction."""


class Signer:
    """Signs for the meters of one station. The key is made when it is first used, and kept, as are the page numbers."""

    def __init__(self, identity: str, state: State, variables: DeviceModel, random: Random) -> None:
        self._identity = identity
        self._state = state
        self._variables = variables
        self._random = random
        self._keys_due: set[int] = set()  # EVSEs whose transaction has not shown the key yet

    def begin(self, evse: Evse) -> None:
        """A transaction begins, whose first signed value may have to show the public key."""
        self._keys_due.add(evse.evse_id)

    def key_due(self, evse: Evse) -> bool:
        """The EVSE's transaction has not shown the key yet."""
        return evse.evse_id in self._keys_due

    def for_reading(self, evse: Evse, now: datetime, context: str) -> Signature:
        """What signs the values of a reading that is taken now."""

        def sign(value: float) -> Payload:
            mark = _TRANSACTION_MARKS.get(context)
            document = orjson.dumps(
                {
                    "FV": "1.0",
                    "GI": self._identity,
                    "GS": f"{self._identity}-{evse.evse_id}",
                    "PG": self._next_page(evse, "T" if mark else "F"),
                    "RD": [
                        {
                            "TM": now.strftime("%Y-%m-%dT%H:%M:%S,") + f"{now.microsecond // 1000:03}+0000 S",
                            **({"TX": mark} if mark else {}),
                            "RV": value,
                            "RI": "1-b:1.8.0",
                            "RU": "Wh",
                            "ST": "G",
                        }
                    ],
                }
            )
            signature = orjson.dumps({"SD": self._key.sign(document).hex()})
            data = b"OCMF|" + document + b"|" + signature
            return {
                "signedMeterData": base64.b64encode(data).decode(),
                "signingMethod": "ECDSA-secp256r1-SHA256",
                "encodingMethod": "OCMF",
                "publicKey": self._key.public if self._shows_key(evse) else "",
            }

        return sign

    def _shows_key(self, evse: Evse) -> bool:
        match self._variables[PUBLIC_KEY_WITH_SIGNED_METER_VALUE]:
            case "EveryMeterValue":
                return True
            case "OncePerTransaction" if evse.evse_id in self._keys_due:
                self._keys_due.discard(evse.evse_id)
                return True
            case _:
                return False

    def _next_page(self, evse: Evse, series: str) -> str:
        """Each meter numbers what it has signed, in transactions (T) and outside of them (F): none can be missing."""
        key = f"{METER_PAGE}{evse.evse_id}/{series}"
        number = (self._state.get(key) or 0) + 1
        self._state.put(key, number)
        return f"{series}{number}"

    @cached_property
    def _key(self) -> MeterKey:
        # Not at the top: few stations sign, and a tenth of the time in which one starts would go into this.
        from station.blocks.meter_values.meter_key import MeterKey  # noqa: PLC0415

        number = self._state.get(METER_KEY)
        if number is None:
            number = f"{self._random.randrange(1, _ORDER):064x}"
            self._state.put(METER_KEY, number)
        return MeterKey(int(number, 16))
