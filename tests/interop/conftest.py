"""What the interoperability tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.processes import Programs, open_programs


@pytest.fixture
async def programs() -> AsyncIterator[Programs]:
    """Starts programs, and ends them with the test."""
    async with open_programs() as programs:
        yield programs
