"""REST version 1: tariffs."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Any, Final, TypedDict

import msgspec
from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api.bodies import read_body
from csms.api.documentation import PAGE, Answer, answer, body, documented, problem
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.views import MOMENT
from csms.api.whole import made_whole
from csms.store.moments import from_ms
from csms.tariffs import DEFAULT, Period, Tariff
from shared.ocppj.date_time import to_wire


class TariffView(TypedDict):
    """A tariff and when it was in force, valid_until being null while it is.

    energy_price: of a kWh. time_price: of an hour. start_price: of each transaction. All include taxes.
    """

    tariff_id: str
    currency: str
    energy_price: float
    time_price: float
    start_price: float
    valid_from: str
    valid_until: str | None


class TariffsView(TypedDict):
    """A page of tariffs, latest first."""

    tariffs: list[TariffView]
    next_cursor: str | None


_ENTRY: Final[dict[str, Any]] = {"currency": "EUR", "energy_price": 0.4, "time_price": 0, "start_price": 0.5}
_TARIFF: Final[TariffView] = {
    "tariff_id": DEFAULT,
    "currency": "EUR",
    "energy_price": 0.4,
    "time_price": 0.0,
    "start_price": 0.5,
    "valid_from": MOMENT,
    "valid_until": None,
}
_NONE: Final = problem(404, "No tariff is in force")


def tariff_routes(services: Services) -> Blueprint:
    """/api/v1/tariffs and below."""
    routes = Blueprint("tariffs", __name__, url_prefix="/api/v1/tariffs")

    @routes.get("")
    @documented(
        "All tariffs that are or were in force",
        tag="Tariffs",
        description="Latest first. Where none was in force there is a gap between two.",
        query=[*PAGE],
        answers=[answer(200, "A page", TariffsView, {"tariffs": [_TARIFF], "next_cursor": None})],
        uses_store=False,
    )
    async def list_tariffs() -> ResponseReturnValue:
        page = read_page(int)
        before = None if page.after is None else page.after[0]
        found = (period for period in services.tariffs if before is None or period.since < before)
        periods = list(islice((period for period in found if period.tariff is not None), page.limit + 1))
        shown = periods[: page.limit]
        more = len(periods) > page.limit
        return page.answer("tariffs", [_describe(period) for period in shown], [shown[-1].since] if more else None)

    @routes.get("/default")
    @documented(
        "The tariff of every station",
        tag="Tariffs",
        answers=[answer(200, "The tariff", TariffView, _TARIFF), _NONE],
        uses_store=False,
    )
    async def get_tariff() -> ResponseReturnValue:
        current = services.tariffs.current
        if current is None:
            raise _no_tariff()
        return _describe(current)

    @routes.put("/default")
    @documented(
        "Say what charging costs",
        tag="Tariffs",
        description="From now on, for transactions that begin from now on: what began before costs what it cost then. "
        "`energy_price` is that of a kWh, `time_price` of an hour from the transaction's start to its end, "
        "`start_price` of each transaction; all include taxes. Stations are told the cost so far with each Updated, "
        "and the whole with Ended (totalCost), where they show costs in this currency.",
        body=body(Tariff, _ENTRY, is_required=True),
        answers=[
            answer(200, "It takes the place of another, or is the same", TariffView, _TARIFF),
            answer(201, "There was none in force", TariffView, _TARIFF),
        ],
    )
    async def put_tariff() -> ResponseReturnValue:
        tariff = await read_body(Tariff)
        with made_whole():
            period, is_new = await services.tariffs.put(tariff)
        return _describe(period), (HTTPStatus.CREATED if is_new else HTTPStatus.OK).value

    @routes.delete("/default")
    @documented(
        "Let charging have no price",
        tag="Tariffs",
        description="Transactions that begin from now on have no cost, which is not the same as being free.",
        answers=[Answer(204, "None is in force now", media=None), _NONE],
    )
    async def delete_tariff() -> ResponseReturnValue:
        with made_whole():
            was_there = await services.tariffs.delete()
        if not was_there:
            raise _no_tariff()
        return "", HTTPStatus.NO_CONTENT.value

    return routes


def _no_tariff() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "No tariff is in force")


def _describe(period: Period) -> dict[str, Any]:
    return {
        "tariff_id": DEFAULT,
        **msgspec.to_builtins(period.tariff),
        "valid_from": to_wire(from_ms(period.since)),
        "valid_until": None if period.until is None else to_wire(from_ms(period.until)),
    }
