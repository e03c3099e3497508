"""Scenarios of our station against a CSMS that is not ours: the `ocpp` library's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.interop.peer import Peer
from tests.processes import Programs

_CARD: Final = '[[step]]\ndo = "present-token"\nidToken = "04AABBCC"\n'
_STARTED: Final = (
    '[[step]]\nexpect = "transaction"\nevent = "Started"\nkeep = { tx = "/transactionInfo/transactionId" }\n'
)
_ENDED: Final = """
[[step]]
expect = "sent"
action = "TransactionEvent"
payload = { eventType = "Ended", transactionInfo = { transactionId = "${tx}", stoppedReason = "Local" } }
within = 60
[[step]]
expect = "queued"
at_most = 0
"""
_BEGIN: Final = '[[step]]\nexpect = "registered"\nwithin = 20\n[[step]]\ndo = "plug-in"\nsoc = 0.3\n' + _CARD

HAPPY: Final = (
    _BEGIN
    + _STARTED
    + '[[step]]\nexpect = "token"\nstatus = "Accepted"\n[[step]]\nexpect = "charging-state"\nstate = "Charging"\n'
    + '[[step]]\nexpect = "energy"\nat_least = 1\n[[step]]\ndo = "stop"\n'
    + _ENDED
    + '[[step]]\ndo = "unplug"\n[[step]]\nexpect = "sent"\naction = "StatusNotification"\n'
    + 'payload = { connectorStatus = "Available" }\n'
)
OFFLINE: Final = (
    '[station.variables]\n"OCPPCommCtrlr.RetryBackOffWaitMinimum" = 1\n'
    '"OCPPCommCtrlr.RetryBackOffRandomRange" = 0\n'
    + _BEGIN
    + _STARTED
    + '[[step]]\ndo = "network-down"\nseconds = 2\n[[step]]\nexpect = "disconnected"\n'
    + '[[step]]\ndo = "stop"\n[[step]]\nexpect = "transaction"\nevent = "Ended"\noffline = true\n'
    + _ENDED
)
REFUSED: Final = (
    _BEGIN
    + '[[step]]\nexpect = "token"\nstatus = "Blocked"\n[[step]]\nexpect = "transaction"\nnever_for = 1\n'
    + '[[step]]\nexpect = "energy"\nat_most = 0\n'
)


@pytest.mark.parametrize(("text", "status"), [(HAPPY, "Accepted"), (OFFLINE, "Accepted"), (REFUSED, "Blocked")])
async def test_a_scenario_passes(text: str, status: str, programs: Programs, tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    peer = await Peer.start(programs, "foreign_csms")
    port = (await peer.tells("listening"))["port"]
    await peer.do("answer", action="Authorize", id_token_info={"status": status})
    station = await programs.station("CP_1", f"ws://127.0.0.1:{port}", "--scenario", str(path), "--seed", "1")
    assert await station.ends(within_s=90) == 0, station.lines
    assert station.lines[-1].startswith("Passed in ")
    assert await peer.tells("closed", code=1001)
