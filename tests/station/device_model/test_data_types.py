"""Texts and values of every data type (Part 2 §2.1.4; B05.FR.07, B05.FR.08)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.device_model.data_types import (
    INTEGER_MAX,
    Boolean,
    DataType,
    DateTime,
    Decimal,
    Integer,
    MemberList,
    OptionList,
    SequenceList,
    String,
    Unacceptable,
)

COLOURS = ("red", "green", "blue")
NAME = String(5, shortest=2, characters="[a-z@.]")

VALUES: list[tuple[DataType[Any], str, Any]] = [
    (Boolean(), "true", True),
    (Boolean(), "false", False),
    (Integer(), "0", 0),
    (Integer(), "2147483647", INTEGER_MAX),
    (Integer(least=-5), "-5", -5),
    (Decimal(), "0", 0.0),
    (Decimal(), "-1234.5", -1234.5),
    (Decimal(most=1), "0.000001", 0.000001),
    (String(), "", ""),
    (NAME, "a@b.c", "a@b.c"),
    (DateTime(), "2026-11-22T03:52:53.938Z", datetime(2026, 11, 22, 3, 52, 53, 938000, UTC)),
    (OptionList(COLOURS), "green", "green"),
    (MemberList(COLOURS), "", ()),
    (MemberList(COLOURS), "blue,red", ("blue", "red")),
    (SequenceList(COLOURS, least=1), "blue", ("blue",)),
]

WRONG: list[tuple[DataType[Any], str, str]] = [
    (Boolean(), "True", "InvalidValue"),
    (Boolean(), "1", "InvalidValue"),
    (Boolean(), "", "InvalidValue"),
    (Integer(), "", "InvalidValue"),
    (Integer(), "007", "InvalidValue"),
    (Integer(), "+7", "InvalidValue"),
    (Integer(), "-0", "InvalidValue"),
    (Integer(), "7.0", "InvalidValue"),
    (Integer(), "\u0667", "InvalidValue"),
    (Integer(), "-1", "ValueTooLow"),
    (Integer(most=9), "10", "ValueTooHigh"),
    (Integer(), str(INTEGER_MAX + 1), "ValueTooHigh"),
    (Integer(), "9" * 900, "ValueOutOfRange"),
    (Decimal(), "9" * 400, "ValueOutOfRange"),
    (Decimal(), "NaN", "InvalidValue"),
    (Decimal(), "1e3", "InvalidValue"),
    (Decimal(), ".5", "InvalidValue"),
    (Decimal(), "0.1234567", "InvalidValue"),
    (Decimal(least=0), "-0.5", "ValueTooLow"),
    (Decimal(most=1), "1.000001", "ValueTooHigh"),
    (NAME, "abcdef", "ValueOutOfRange"),
    (NAME, "a", "ValueOutOfRange"),
    (NAME, "abC", "InvalidValue"),
    (NAME, "abc\n", "InvalidValue"),
    (DateTime(), "2026-11-22", "InvalidValue"),
    (DateTime(), "2026-02-30T00:00:00Z", "InvalidValue"),
    (OptionList(COLOURS), "Green", "InvalidValue"),
    (OptionList(COLOURS), "", "InvalidValue"),
    (MemberList(COLOURS), "red,", "InvalidValue"),
    (MemberList(COLOURS), "red,pink", "InvalidValue"),
    (MemberList(COLOURS), "red,red", "InvalidValue"),
    (SequenceList(COLOURS, least=1), "", "InvalidValue"),
]


@pytest.mark.parametrize(("data_type", "text", "value"), VALUES)
def test_a_text_and_its_value(data_type: DataType[Any], text: str, value: Any) -> None:
    assert data_type.parse(text) == value
    assert data_type.to_text(value) == text


@pytest.mark.parametrize(("data_type", "text", "reason_code"), WRONG)
def test_b05_fr_07_b05_fr_08_what_is_no_value_is_refused_with_its_reason(
    data_type: DataType[Any], text: str, reason_code: str
) -> None:
    with pytest.raises(Unacceptable) as unacceptable:
        data_type.parse(text)
    assert unacceptable.value.reason_code == reason_code
    assert str(unacceptable.value)


def test_spaces_behind_commas_are_not_part_of_a_member() -> None:
    assert MemberList(COLOURS).parse("red, blue") == ("red", "blue")


def test_limits_and_values_are_told() -> None:
    assert Integer(least=1, most=9).characteristics() == {"minLimit": 1, "maxLimit": 9}
    assert Decimal().characteristics() == {}
    assert NAME.characteristics() == {"maxLimit": 5}
    assert OptionList(COLOURS).characteristics() == {"valuesList": "red,green,blue"}
    assert SequenceList(COLOURS).characteristics() == {"maxLimit": 14, "valuesList": "red,green,blue"}


@given(st.integers(-(2**31), INTEGER_MAX))
def test_every_integer_survives_the_wire(number: int) -> None:
    data_type = Integer(least=-(2**31))
    assert data_type.parse(data_type.to_text(number)) == number


@given(st.integers(-(10**12), 10**12))
def test_a_decimal_of_six_places_survives_the_wire(millionths: int) -> None:
    text = Decimal().to_text(millionths / 1e6)
    assert Decimal().parse(text) == pytest.approx(millionths / 1e6, abs=1e-6)
    assert Decimal().to_text(Decimal().parse(text)) == text


@given(st.text(max_size=50))
def test_no_text_is_too_strange_to_be_judged(text: str) -> None:
    every: list[DataType[Any]] = [
        Boolean(),
        Integer(),
        Decimal(),
        NAME,
        DateTime(),
        OptionList(COLOURS),
        MemberList(COLOURS),
    ]
    for data_type in every:
        try:
            value = data_type.parse(text)
        except Unacceptable:
            continue
        assert data_type.parse(data_type.to_text(value)) == value
