"""What can go wrong between two OCPP-J ends, and whose fault it was (Part 4 §4.2.3 and §4.3).

OcppError ── CallFailed ── CallTimedOut | CallRefused | InvalidAnswer | ConnectionLost   raised by Endpoint.call()
          └─ PeerError  ── one class per RPC error code                                  becomes a CALLERROR
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

UNREADABLE_MESSAGE_ID: Final = "-1"  # Part 4 §4.2.3: what a CALLERROR carries when no id could be read
MAX_DESCRIPTION_LENGTH: Final = 255  # Part 4 §4.2.3, table 7


class OcppError(Exception):
    """Anything that goes wrong in the conversation with the other end."""


# --- our CALL did not bring a result ---------------------------------------------------------------------------------


class CallFailed(OcppError):
    """A CALL of ours brought no result."""


class CallTimedOut(CallFailed):
    """The peer did not answer within the message time-out (Part 4 §4.1.1)."""


class ConnectionLost(CallFailed):
    """The connection ended before the answer came, or was gone already."""


class InvalidAnswer(CallFailed):
    """The peer answered, but not with what the schema of the response allows."""


class CallRefused(CallFailed):
    """The peer answered CALLERROR: its `code`, `description` and `details`, as received."""

    def __init__(self, code: str, description: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = details or {}


# --- the peer's message cannot be served: becomes a CALLERROR --------------------------------------------------------


class PeerError(OcppError):
    """The peer's message cannot be served; raised by the parser, the validator and by handlers.

    description: for the reader on the other side, cut to 255 characters; never holds a received value, for that may
    be a secret. details: a JSON object. message_id: the id the CALLERROR answers, where the raiser knows it.
    """

    code: ClassVar[str] = "GenericError"

    def __init__(
        self,
        description: str = "",
        details: dict[str, Any] | None = None,
        *,
        message_id: str = UNREADABLE_MESSAGE_ID,
    ) -> None:
        super().__init__(description)
        self.description = description[:MAX_DESCRIPTION_LENGTH]
        self.details = details or {}
        self.message_id = message_id


class GenericError(PeerError):
    """Any other error not covered by a more specific code."""


class FormatViolation(PeerError):
    """The payload is syntactically incorrect for its action."""

    code = "FormatViolation"


class InternalError(PeerError):
    """The receiver failed while it processed the request."""

    code = "InternalError"


class MessageTypeNotSupported(PeerError):
    """A message type number other than CALL, CALLRESULT and CALLERROR (Part 4 §4.4)."""

    code = "MessageTypeNotSupported"


class NotImplementedByReceiver(PeerError):
    """The requested action is not known."""

    code = "NotImplemented"


class NotSupported(PeerError):
    """The requested action is known, but not served on this side."""

    code = "NotSupported"


class OccurrenceConstraintViolation(PeerError):
    """A field is missing, or there are too few or too many of it."""

    code = "OccurrenceConstraintViolation"


class PropertyConstraintViolation(PeerError):
    """A field has a value outside what it may hold."""

    code = "PropertyConstraintViolation"


class ProtocolError(PeerError):
    """The payload does not conform to the PDU structure."""

    code = "ProtocolError"


class RpcFrameworkError(PeerError):
    """The message is not a valid RPC request: not JSON, no readable id, not the elements of a CALL."""

    code = "RpcFrameworkError"


class SecurityError(PeerError):
    """A security issue prevents the receiver from serving the request (e.g. B01.FR.10, B02.FR.09, B03.FR.07)."""

    code = "SecurityError"


class TypeConstraintViolation(PeerError):
    """A field has a value of the wrong data type."""

    code = "TypeConstraintViolation"
