"""The keys of what a station remembers over a loss of power, and the shape of each value.

The device model (`variables/`) and the network profiles (`network-profile…`) name theirs themselves.
"""

from __future__ import annotations

from typing import Final

IDENTITY: Final = "identity"
"""str: whose state this is."""

BOOT_REASON: Final = "boot-reason"
"""str, a value of BootReasonEnumType: why the station boots next (B01.FR.09); none: power came back."""

AVAILABILITY: Final = "availability"
"""Which switches are off (B01.FR.07, G03.FR.08, G04.FR.09): a list of [], [evseId] and [evseId, connectorId]."""

SCHEDULED_INOPERATIVE: Final = "scheduled-inoperative"
"""What goes out of use when its transaction is over (G03.FR.05, G04.FR.06): paths like those of AVAILABILITY."""

RESERVATIONS: Final = "reservations"
"""The book of reservations and the updates that wait (B01.FR.13): see `blocks.reservation.memory`."""

TRANSACTION_EVENTS: Final = "transaction-events/"
"""Prefix; one key for each event that the CSMS has not answered: see `transaction_queue`."""

TRANSACTIONS: Final = "transactions/"
"""Prefix; one key for each EVSE: its transaction that is under way, and whose cable it keeps: see
`blocks.transactions.session`."""

VARIABLES: Final = "variables/"
"""Prefix; one key for each variable of the device model that was set, Component.Variable[Instance]: its text."""

NETWORK_PROFILES: Final = "network-profiles/"
"""Prefix; one key for each slot that was set (B09): the fields of its NetworkProfile, none where it was emptied."""

LAST_GOOD_NETWORK_PROFILE: Final = "network-profile-last-good"
"""The slot and the fields of the NetworkProfile that brought the last connection (B10.FR.07)."""

METER_KEY: Final = "meter-key"
"""str, hexadecimal: the private key that signs meter values."""

METER_PAGE: Final = "meter-page/"
"""Prefix; int: how many readings a meter has signed, by EVSE and kind: see `blocks.meter_values.signing`."""

AUTHORIZATION_CACHE: Final = "authorization-cache/"
"""Prefix; one key for each token (C10.FR.02): see `blocks.authorization.cache`."""

HARDWARE: Final = "hardware"
"""What the hardware remembers by itself: see `Hardware.snapshot`."""
