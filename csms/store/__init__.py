"""What the CSMS keeps, on disk: SQLite or PostgreSQL through SQLAlchemy Core."""

from csms.store.database import Store, open_store
from csms.store.writer import Change, Row, StoreUnavailable

__all__ = ["Change", "Row", "Store", "StoreUnavailable", "open_store"]
