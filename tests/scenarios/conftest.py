"""What the scenarios share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.csms.databases import database_url, postgresql
from tests.processes import Programs, open_programs

__all__ = ["database_url", "postgresql"]


@pytest.fixture
async def programs() -> AsyncIterator[Programs]:
    """Starts programs, and ends them with the test."""
    async with open_programs() as programs:
        yield programs
