"""OCPP's dateTime (Part 2 §2.1.4, §3.1; RFC 3339): what passes for one, and what is read from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ocppj.date_time import from_wire, is_date_time, to_wire
from tests.shared.ocppj.strategies import BAD_DATES, DATE_PARTS, DATE_TIMES, MOMENTS, DateParts


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2019-04-12T23:20:50.52Z", id="Part 2 example 1"),
        pytest.param("2019-12-19T16:39:57+01:00", id="Part 2 example 2"),
        pytest.param("1985-04-12T23:20:50.52Z", id="RFC 3339 §5.8, 1"),
        pytest.param("1996-12-19T16:39:57-08:00", id="RFC 3339 §5.8, 2"),
        pytest.param("1990-12-31T23:59:60Z", id="RFC 3339 §5.8, 3: leap second"),
        pytest.param("1990-12-31T15:59:60-08:00", id="RFC 3339 §5.8, 4: the same leap second elsewhere"),
        pytest.param("1937-01-01T12:00:27.87+00:20", id="RFC 3339 §5.8, 5"),
        pytest.param("2016-12-31T23:59:60.999Z", id="within a leap second"),
        pytest.param("2024-02-29T00:00:00Z", id="leap year"),
        pytest.param("2000-02-29T00:00:00Z", id="leap year by the rule of 400"),
        pytest.param("2026-11-22t03:52:53z", id="RFC 3339 §5.6: lower case"),
        pytest.param("2026-11-22T03:52:53-00:00", id="RFC 3339 §4.3: local offset unknown"),
        pytest.param("2026-11-22T03:52:53.1234567Z", id="more decimals than OCPP allows: tolerated"),
        pytest.param("0001-01-01T00:00:00Z", id="a clock that was never set"),
    ],
)
def test_rfc_3339_date_time_passes(text: str) -> None:
    assert is_date_time(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("2026-11-22", id="date only"),
        pytest.param("03:52:53Z", id="time only"),
        pytest.param("2026-11-22T03:52:53", id="no offset"),
        pytest.param("2026-11-22T03:52Z", id="no seconds"),
        pytest.param("2026-11-22 03:52:53Z", id="space for T"),
        pytest.param("2026-11-22T03:52:53.Z", id="point without decimals"),
        pytest.param("2026-11-22T03:52:53,5Z", id="comma"),
        pytest.param("2026-11-22T03:52:53+0100", id="offset without colon"),
        pytest.param("2026-11-22T03:52:53+24:00", id="offset of a day"),
        pytest.param("2026-11-22T03:52:53+01:60", id="offset minute 60"),
        pytest.param("2026-11-22T24:00:00Z", id="hour 24"),
        pytest.param("2026-11-22T03:60:00Z", id="minute 60"),
        pytest.param("2026-11-22T03:52:60Z", id="second 60 in a minute without leap second"),
        pytest.param("2026-11-30T22:59:60Z", id="second 60 an hour early"),
        pytest.param("2026-11-29T23:59:60Z", id="second 60 a day early"),
        pytest.param("2016-12-31T23:59:60+01:00", id="second 60 at midnight of another time zone"),
        pytest.param("2016-12-31T23:59:61Z", id="second 61"),
        pytest.param("2026-13-01T00:00:00Z", id="month 13"),
        pytest.param("2026-00-01T00:00:00Z", id="month 0"),
        pytest.param("2026-04-31T00:00:00Z", id="April 31"),
        pytest.param("2026-01-00T00:00:00Z", id="day 0"),
        pytest.param("2025-02-29T00:00:00Z", id="no leap year"),
        pytest.param("1900-02-29T00:00:00Z", id="no leap year by the rule of 100"),
        pytest.param("20261122T035253Z", id="ISO 8601 basic format"),
        pytest.param("2026-W47-7T03:52:53Z", id="ISO 8601 week date"),
        pytest.param("2026-11-22T03:52:53Z\n", id="newline at the end"),
        pytest.param(" 2026-11-22T03:52:53Z", id="space in front"),
        pytest.param("\u0662\u0660\u0662\u0666-11-22T03:52:53Z", id="digits other than ASCII"),
    ],
)
def test_anything_else_does_not_pass(text: str) -> None:
    assert not is_date_time(text)


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}])
def test_format_says_nothing_of_what_is_no_string(value: Any) -> None:
    assert is_date_time(value)


@settings(max_examples=300, deadline=None)
@given(MOMENTS)
def test_what_we_write_passes_and_reads_back_to_the_millisecond(moment: datetime) -> None:
    text = to_wire(moment)
    assert is_date_time(text)
    assert from_wire(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@settings(max_examples=1000, deadline=None)
@given(DATE_PARTS)
def test_dates_pass_exactly_when_they_exist(parts: DateParts) -> None:
    assert is_date_time(parts.text) == exists(parts)


@settings(max_examples=500, deadline=None)
@given(DATE_TIMES | BAD_DATES | st.text(max_size=30))
def test_every_date_time_that_passes_can_be_read(text: str) -> None:
    if is_date_time(text):
        assert from_wire(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22t03:52:53z", datetime(2026, 11, 22, 3, 52, 53, tzinfo=UTC)),
        ("2026-11-22T03:52:53.1234567+01:00", datetime(2026, 11, 22, 2, 52, 53, 123456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0000-02-29T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_reading_takes_what_datetime_alone_would_not(text: str, moment: datetime) -> None:
    assert is_date_time(text)
    assert from_wire(text) == moment


AHEAD_OF_UTC = {"Z": 0, "z": 0, "-00:00": 0, "+01:00": 60, "+23:59": 1439}


def exists(parts: DateParts) -> bool:
    """The rules of RFC 3339 once more, told by datetime."""
    if parts.between not in "Tt" or parts.fraction in (".", ",5") or parts.offset not in AHEAD_OF_UTC:
        return False
    leap_second = parts.second == 60
    try:
        # datetime has no year 0, but the calendar is the same again after 400 years.
        year = parts.year % 400 + 2000 if parts.year < 10000 else 10000
        local = datetime(year, parts.month, parts.day, parts.hour, parts.minute, 59 if leap_second else parts.second)
    except ValueError:
        return False
    following = local - timedelta(minutes=AHEAD_OF_UTC[parts.offset]) + timedelta(seconds=1)
    return not leap_second or (following.strftime("%d %H:%M:%S") == "01 00:00:00" and parts.year > 0)
