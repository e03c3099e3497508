"""What the CSMS keeps: the tables, the same on SQLite and PostgreSQL.

Moments are milliseconds since 1970-01-01 UTC, in columns whose names end in _at: they sort, they have no time zone, and
both databases store them alike. Payloads are JSON text, as they were on the wire.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata: Final = MetaData()

_Id: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up in INTEGER PRIMARY KEY only

stations: Final = Table(
    "stations",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("password_hash", Text),
    Column("next_password_hash", Text),  # of one that it was told to take, until it is known whether it did
    Column("security_profile", Integer, nullable=False),
    Column("registration", String(20), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("items_per_message", Text, nullable=False),  # JSON: {"GetVariables": 10, …}
    Column("boot", Text, nullable=False),  # JSON: chargingStation of the last BootNotification
    Column("booted_at", BigInteger),
    Column("last_seen_at", BigInteger),
    Column("reset", Text),  # JSON: the Reset that the station is to come back from
    Column("availability", Text, nullable=False),  # JSON: what ChangeAvailability has set, as the API has it
)

connectors: Final = Table(
    "connectors",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("connector_id", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("reported_at", BigInteger, nullable=False),  # by the station's clock
    Column("received_at", BigInteger, nullable=False),
)

transactions: Final = Table(
    "transactions",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("transaction_id", String(36), primary_key=True),
    Column("transaction_key", BigInteger, nullable=False),  # a number made of transaction_id: see meter_values
    Column("first_at", BigInteger, nullable=False),  # of the earliest event, for Started may be lost
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("first_seq_no", BigInteger),  # of Started, None until it came
    Column("final_seq_no", BigInteger),  # of Ended, None until it came
    Column("evse_id", BigInteger),
    Column("connector_id", BigInteger),
    Column("id_token", Text),
    Column("id_token_type", String(20)),
    Column("token_status", String(20)),  # as it was answered
    Column("token_seq_no", BigInteger),  # the event id_token is of: the first that has one
    Column("remote_start_id", BigInteger),
    Column("reservation_id", BigInteger),
    Column("charging_state", String(20)),
    Column("state_seq_no", BigInteger),  # the event charging_state is of: an older one must not undo it
    Column("stopped_reason", String(20)),
    Column("register_first_at", BigInteger),  # Energy.Active.Import.Register: its first reading, and the last
    Column("register_first_wh", Float),
    Column("register_last_at", BigInteger),
    Column("register_last_wh", Float),
    Column("updated_at", BigInteger, nullable=False),
    Column("messages_in_queue", Boolean),  # as GetTransactionStatus was last answered, at asked_at
    Column("asked_at", BigInteger),
    Index("transactions_by_time", "first_at", "station_id", "transaction_id"),
    Index("transactions_by_key", "station_id", "transaction_key"),
)
Index(
    "transactions_open",
    transactions.c.station_id,
    transactions.c.transaction_id,
    sqlite_where=transactions.c.ended_at.is_(None),
    postgresql_where=transactions.c.ended_at.is_(None),
)

transaction_events: Final = Table(
    "transaction_events",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("transaction_id", String(36), primary_key=True),
    Column("seq_no", BigInteger, primary_key=True, autoincrement=False),
    Column("event_type", String(10), nullable=False),
    Column("trigger_reason", String(30), nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("response", Text, nullable=False),
)

meter_values: Final = Table(
    "meter_values",
    metadata,
    # There are more of these rows than of all others together, so they are short; and they stand in the order they
    # come, for in that of their key those of each station would be in pages of their own, and every batch change all.
    # The key tells what a resent message brings again, and is the order in which values are asked for.
    Column("station_id", String(48), primary_key=True),
    Column("sampled_at", BigInteger, primary_key=True, autoincrement=False),
    Column("transaction_key", BigInteger, primary_key=True, autoincrement=False),  # of transactions; 0: MeterValues
    Column("seq_no", BigInteger, primary_key=True, autoincrement=False),  # of MeterValues: a number made of its content
    Column("position", Integer, primary_key=True, autoincrement=False),  # within its message
    Column("evse_id", BigInteger),
    Column("measurand", String(40), nullable=False),
    Column("context", String(24)),  # NULL: Sample.Periodic
    Column("phase", String(8)),
    Column("location", String(8)),  # NULL: Outlet
    Column("unit", String(20)),
    Column("multiplier", BigInteger, nullable=False),
    Column("value", Float, nullable=False),  # as sent, multiplier not applied
    Column("signed", Text),  # JSON: signedMeterValue, verbatim
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id_token_type", String(20), primary_key=True),
    Column("id_token", String(36), primary_key=True),  # in lower case: identifierString is case-insensitive
    Column("token", Text, nullable=False),  # JSON: as the API has it
)

tariffs: Final = Table(
    "tariffs",
    metadata,
    Column("tariff_id", String(36), primary_key=True),
    Column("valid_from", BigInteger, primary_key=True, autoincrement=False),  # until the next one is
    Column("tariff", Text),  # JSON: as the API has it; NULL: none from then on
)

reservations: Final = Table(
    "reservations",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("reservation_id", BigInteger, primary_key=True),
    Column("request", Text, nullable=False),  # JSON: the ReserveNow
    Column("proposed", Text),  # JSON: a ReserveNow that is to replace it, while its answer is not known
    Column("state", String(20), nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("reservations_by_id", "reservation_id"),
    Index("reservations_by_time", "made_at", "station_id", "reservation_id"),
    Index("reservations_by_state", "state"),
)

remote_starts: Final = Table(
    "remote_starts",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("remote_start_id", BigInteger, primary_key=True),
    Column("request", Text, nullable=False),  # JSON: the RequestStartTransaction
    Column("status", String(20)),  # of its response, None while there is none
    Column("transaction_id", String(36)),  # of the transaction that it started, None until that is known
    Column("requested_at", BigInteger, nullable=False),
    Index("remote_starts_by_id", "remote_start_id"),
)

variables: Final = Table(
    "variables",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("component", String(50), primary_key=True),  # names and instances in lower case: they are case-insensitive
    Column("component_instance", String(50), primary_key=True),  # "" for none, as in the next: keys are never NULL
    Column("evse_id", Integer, primary_key=True),  # 0 for none
    Column("connector_id", Integer, primary_key=True),  # 0 for none
    Column("variable", String(50), primary_key=True),
    Column("variable_instance", String(50), primary_key=True),
    Column("attribute_type", String(10), primary_key=True),
    Column("identity", Text, nullable=False),  # JSON: component and variable as the station names them
    Column("value", Text),  # NULL: not known, or not to be kept
    Column("mutability", String(10)),  # NULL, as in the next three: no report has told
    Column("persistent", Boolean),
    Column("constant", Boolean),
    Column("characteristics", Text),  # JSON: variableCharacteristics
    Column("reboot_required", Boolean),  # the value was set, and holds after a reboot
    Column("reported_at", BigInteger, nullable=False),
)

reports: Final = Table(
    "reports",
    metadata,
    Column("station_id", String(48), primary_key=True),
    Column("request_id", Integer, primary_key=True),
    Column("report_base", String(30)),  # NULL: of GetReport, or of a request this CSMS knows nothing of
    Column("status", String(20)),  # of the answer to the request
    Column("requested_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("seen", Text, nullable=False),  # the parts that came: bit n, of a number in hexadecimal, for seqNo n
    Column("last_seq_no", Integer),  # of the part that nothing follows, None until it came
)

commands: Final = Table(
    "commands",
    metadata,
    Column("command_id", String(36), primary_key=True),
    Column("station_id", String(48), nullable=False),
    Column("action", String(40), nullable=False),
    Column("payload", Text, nullable=False),
    Column("deduplication_key", String(100), unique=True),
    Column("state", String(20), nullable=False),
    Column("history", Text, nullable=False),  # JSON: [{"state": …, "at": …}, …]
    Column("result", Text),  # JSON: {"result": …}, {"error": …} or null
    Column("remote_start_id", BigInteger),  # of a RequestStartTransaction
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("commands_by_state", "state"),
    Index("commands_by_time", "created_at", "command_id"),
    Index("commands_by_station", "station_id", "created_at", "command_id"),
)

messages: Final = Table(
    "messages",
    metadata,
    Column("message_no", _Id, primary_key=True, autoincrement=True),
    Column("station_id", String(48), nullable=False),
    Column("direction", String(10), nullable=False),  # received, sent: the CALL
    Column("action", String(40)),
    Column("message_id", String(36), nullable=False),
    Column("request", Text, nullable=False),
    Column("response", Text),
    Column("error_code", String(40)),
    Column("called_at", BigInteger, nullable=False),
    Column("latency_ms", Float),
    Index("messages_by_station", "station_id", "message_no"),
    Index("messages_by_time", "called_at"),
)

events: Final = Table(
    "events",
    metadata,
    Column("event_id", _Id, primary_key=True, autoincrement=True),
    Column("event_type", String(40), nullable=False),
    Column("station_id", String(48)),
    Column("happened_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice: Last-Event-ID counts on it
)
