"""How the programs' log lines look."""

from __future__ import annotations

import logging

from pythonjsonlogger.orjson import OrjsonFormatter


def set_up(level: str, log_format: str) -> None:
    """Log to stderr from `level` on, as text for people or as one JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        OrjsonFormatter("{asctime}{levelname}{name}{message}", style="{", rename_fields={"asctime": "time"})
        if log_format == "json"
        else logging.Formatter("%(levelname)s:%(name)s:%(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # The sessions tell of every connection; these would tell of it again, in their words.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    # That the tables are there already is no news.
    logging.getLogger("alembic").setLevel(logging.WARNING)
