"""Both databases, as the store's tests have them."""

from __future__ import annotations

from tests.csms.store.conftest import database_url, postgresql

__all__ = ["database_url", "postgresql"]
