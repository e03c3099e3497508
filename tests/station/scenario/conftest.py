"""What the scenarios' tests share: a CSMS in memory."""

from tests.csms.conftest import compiled, open_site

__all__ = ["compiled", "open_site"]
