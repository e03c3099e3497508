"""J01.FR.21, J02.FR.21, E02.FR.14: signed meter values."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import trio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.device_model import (
    ALIGNED_DATA_INTERVAL,
    ALIGNED_DATA_SIGN_READINGS,
    PUBLIC_KEY_WITH_SIGNED_METER_VALUE,
    SAMPLED_DATA_SIGN_READINGS,
    SAMPLED_DATA_TX_ENDED_MEASURANDS,
    SAMPLED_DATA_TX_STARTED_MEASURANDS,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
)
from tests.station.blocks.driving import CARD, charge, model
from tests.station.fake_csms import FakeCsms, station_on_fake_csms


def signed(csms: FakeCsms) -> Iterator[tuple[float, dict[str, Any]]]:
    """Value and SignedMeterValueType of each sample that is signed."""
    for call in csms.received:
        for meter_value in call.payload.get("meterValue", ()):
            for sample in meter_value["sampledValue"]:
                if "signedMeterValue" in sample:
                    yield sample["value"], sample["signedMeterValue"]


def document(value: dict[str, Any]) -> tuple[bytes, bytes]:
    """The OCMF document, and its signature."""
    head, text, signature = base64.b64decode(value["signedMeterData"]).split(b"|")
    assert head == b"OCMF"
    return text, bytes.fromhex(json.loads(signature)["SD"])


async def test_j02_fr_21_the_signature_of_every_register_can_be_verified(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({SAMPLED_DATA_SIGN_READINGS: True, PUBLIC_KEY_WITH_SIGNED_METER_VALUE: "EveryMeterValue"})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(200)
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        marks, pages, keys = {}, [], set()
        for register_wh, value in signed(csms):
            text, signature = document(value)
            key = load_der_public_key(base64.b64decode(value["publicKey"]))
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(signature, text, ec.ECDSA(hashes.SHA256()))  # raises InvalidSignature
            assert (value["encodingMethod"], value["signingMethod"]) == ("OCMF", "ECDSA-secp256r1-SHA256")
            read = json.loads(text)
            assert read["RD"][0]["RV"] == register_wh
            marks[read["PG"]] = read["RD"][0]["TX"]  # the first one is in the Ended event again
            pages.append(read["PG"])
            keys.add(value["publicKey"])
        assert "".join(marks.values()) == "B" + "C" * (len(marks) - 2) + "E"
        assert list(marks) == [f"T{number}" for number in range(1, len(pages))]  # also over the power cut
        assert len(keys) == 1


@pytest.mark.parametrize(
    ("setting", "shown"), [("Never", [False] * 4), ("OncePerTransaction", [True, False, True, False])]
)
async def test_public_key_with_signed_meter_value(
    autojump_clock: MockClock, schemas: Schemas, setting: str, shown: list[bool]
) -> None:
    variables = model({SAMPLED_DATA_SIGN_READINGS: True, PUBLIC_KEY_WITH_SIGNED_METER_VALUE: setting})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        for _ in range(2):
            csms.forget()
            await charge(station.hardware.evses[0])
            station.hardware.evses[0].reader.present(CARD)
            await trio.sleep(10)
            assert [bool(value["publicKey"]) for _, value in signed(csms)] == shown  # Started, Updated, Ended: two
            station.hardware.evses[0].connectors[0].unplug()


async def test_public_key_with_signed_meter_value_a_key_that_was_not_shown_yet_is_shown_after_a_power_cut(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model(
        {
            SAMPLED_DATA_SIGN_READINGS: True,
            PUBLIC_KEY_WITH_SIGNED_METER_VALUE: "OncePerTransaction",
            SAMPLED_DATA_TX_STARTED_MEASURANDS: ("Voltage",),
            SAMPLED_DATA_TX_ENDED_MEASURANDS: ("Voltage",),
            SAMPLED_DATA_TX_UPDATED_INTERVAL: 300,
        }
    )
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        assert list(signed(csms)) == []
        for _ in range(2):
            station.reboot("PowerUp", graceful=False)
            await trio.sleep(400)
        assert [bool(value["publicKey"]) for _, value in signed(csms)] == [True, False]


async def test_j01_fr_21_values_outside_of_transactions(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({ALIGNED_DATA_SIGN_READINGS: True, ALIGNED_DATA_INTERVAL: 60})
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await trio.sleep(150)
        read = [json.loads(document(value)[0]) for _, value in signed(csms)]
        assert [page["PG"] for page in read] == ["F1", "F2", "F3"]
        assert all("TX" not in page["RD"][0] for page in read)


async def test_nothing_is_signed_unless_wanted(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station.hardware.evses[0])
        assert list(signed(csms)) == []
