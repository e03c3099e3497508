"""How what is asked of variables is split into messages (B05.FR.11, B05.FR.13, B06.FR.05, BytesPerMessage)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from csms.api.exchange import limits_of
from csms.blocks.provisioning.splitting import DEFAULT_ITEMS, Limits, split
from csms.device_model import key_of
from shared.ocppj.frames import Call


def variable(name: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": "Ctrlr"}, "variable": {"name": name}} | more


def parts_of(variables: list[dict[str, Any]], limits: Limits) -> list[list[dict[str, Any]]]:
    parts = split("SetVariables", "setVariableData", variables, limits)
    return [[variables[index] for index in part] for part in parts]


def test_b05_fr_11_no_message_has_more_than_the_station_takes() -> None:
    parts = parts_of([variable(str(number)) for number in range(10)], Limits(items=4))
    assert [len(part) for part in parts] == [4, 4, 2]


def test_b05_fr_13_an_attribute_that_is_there_twice_goes_in_two_messages() -> None:
    twice = [variable("A", attributeValue="1"), variable("a", attributeType="Actual", attributeValue="2")]
    assert [len(part) for part in parts_of(twice, Limits())] == [1, 1]
    two = [variable("A"), variable("A", attributeType="Target"), variable("A", attributeType="MinSet")]
    assert [len(part) for part in parts_of(two, Limits())] == [3]


def test_one_that_alone_is_too_long_has_a_message_of_its_own() -> None:
    long = variable("L", attributeValue="x" * 500)
    assert [len(part) for part in parts_of([variable("A"), long, variable("B")], Limits(size=300))] == [1, 1, 1]


@given(
    st.lists(st.builds(variable, st.text(max_size=9), attributeValue=st.text(max_size=40)), min_size=1, max_size=40),
    st.builds(Limits, items=st.integers(1, 12), size=st.none() | st.integers(1, 1500)),
)
def test_all_go_in_order_within_the_limits_and_none_twice_in_one(
    variables: list[dict[str, Any]], limits: Limits
) -> None:
    parts = parts_of(variables, limits)
    assert [one for part in parts for one in part] == variables
    for part in parts:
        assert 1 <= len(part) <= limits.items
        assert len({key_of(one) for one in part}) == len(part)
        text = Call("0" * 36, "SetVariables", {"setVariableData": part}).to_text()
        assert limits.size is None or len(text.encode()) <= limits.size or len(part) == 1


class TestLimits:
    def test_of_a_station_that_has_told_nothing_are_cautious(self) -> None:
        assert limits_of("GetVariables", {}, {}) == Limits(DEFAULT_ITEMS, None)

    def test_are_what_it_has_reported(self) -> None:
        reported = {("itemspermessage", "getvariables"): 50, ("bytespermessage", "getvariables"): 4000}
        assert limits_of("GetVariables", reported, {}) == Limits(50, 4000)
        assert limits_of("SetVariables", reported, {}) == Limits(DEFAULT_ITEMS, None)

    def test_are_what_the_operator_says_if_that_is_less(self) -> None:
        reported = {("itemspermessage", "setvariables"): 5}
        assert limits_of("SetVariables", reported, {"SetVariables": 3}).items == 3
        assert limits_of("SetVariables", reported, {"SetVariables": 9}).items == 5
        assert limits_of("SetVariables", {}, {"SetVariables": 40}).items == 40

    def test_below_one_are_none(self) -> None:
        reported = {("itemspermessage", "getvariables"): 0, ("bytespermessage", "getvariables"): 0}
        assert limits_of("GetVariables", reported, {}) == Limits(DEFAULT_ITEMS, None)
