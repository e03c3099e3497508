"""What the CSMS keeps, on disk: SQLite or PostgreSQL through SQLAlchemy Core."""

from csms.store.database import Store, open_store
from csms.store.writer import Change, Commit, Row, StoreUnavailable

__all__ = ["Change", "Commit", "Row", "Store", "StoreUnavailable", "open_store"]
