"""What the tests of the CSMS share."""

from __future__ import annotations

import logging

import pytest
import trio

from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import VERSIONS, Version
from tests.csms.databases import database_url, postgresql
from tests.csms.site import OpenSite, Site, in_virtual_time

__all__ = ["database_url", "postgresql"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever has a CSMS in memory has it in virtual time. Last, for pytest-trio marks every test for real time."""
    for item in items:
        if isinstance(item, pytest.Function) and "open_site" in item.fixturenames:
            item.add_marker(pytest.mark.trio(run=in_virtual_time), append=False)


@pytest.fixture(scope="session")
def compiled() -> dict[Version, Schemas]:
    """Schemas, compiled once for all tests: they never change, and half of a test's time would go into them."""
    return {version: Schemas.load(version) for version in VERSIONS}


@pytest.fixture
def open_site(nursery: trio.Nursery, compiled: dict[Version, Schemas], monkeypatch: pytest.MonkeyPatch) -> OpenSite:
    """Opens a CSMS in memory with the settings given."""
    monkeypatch.setattr(Schemas, "load", compiled.__getitem__)

    def open_one(*, nursery: trio.Nursery = nursery, **options: object) -> Site:
        return Site(nursery, **options)

    return open_one


@pytest.fixture
async def site(open_site: OpenSite) -> Site:
    """A CSMS in memory with default settings."""
    return open_site()


@pytest.fixture(autouse=True)
def _logs(caplog: pytest.LogCaptureFixture) -> None:
    """What people watch is told at INFO, and some tests read it."""
    caplog.set_level(logging.INFO)
