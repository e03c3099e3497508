"""C Authorization: who may charge, by what the station remembers or by asking the CSMS (C01-C03, C09-C12, C15, C16)."""

from station.blocks.authorization.block import Authorization
from station.blocks.authorization.rules import NEVER_ASKED_ABOUT

__all__ = ["NEVER_ASKED_ABOUT", "Authorization"]
