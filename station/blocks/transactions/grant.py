"""Who may charge at an EVSE, from the moment that is known until it ends (C01, E02, E03, F01, F02)."""

from __future__ import annotations

from dataclasses import dataclass

from station.id_token import IdToken


@dataclass(slots=True)
class Grant:
    """Somebody may charge. group_id_token: theirs, as the CSMS has told it.

    told: an event has told the CSMS who. refused: the CSMS has answered No since then, although energy may flow for a
    while. connect_by: by when a vehicle has to be there, monotonic; None for no time-out.
    """

    id_token: IdToken
    group_id_token: IdToken | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    told: bool = False
    refused: bool = False
    connect_by: float | None = None
