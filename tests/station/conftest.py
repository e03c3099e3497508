"""What the station's tests share."""

from __future__ import annotations

import pytest

from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return Schemas.load(V201)
