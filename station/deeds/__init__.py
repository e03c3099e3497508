"""What people do to a station and its surroundings, whichever way they do it: by HTTP or in a scenario."""

from station.deeds.deed import Deed, Impossible
from station.deeds.memory import AUTHORIZATION_STATUSES, CACHED_FIELDS, VARIABLE_FIELDS
from station.deeds.surroundings import STATION_DEEDS
from station.deeds.tokens import ID_TOKEN_FIELDS, TOKEN_TYPES, id_token_of, read_id_token
from station.deeds.world import CONNECTOR_DEEDS, EVSE_DEEDS

__all__ = [
    "AUTHORIZATION_STATUSES",
    "CACHED_FIELDS",
    "CONNECTOR_DEEDS",
    "EVSE_DEEDS",
    "ID_TOKEN_FIELDS",
    "STATION_DEEDS",
    "TOKEN_TYPES",
    "VARIABLE_FIELDS",
    "Deed",
    "Impossible",
    "id_token_of",
    "read_id_token",
]
