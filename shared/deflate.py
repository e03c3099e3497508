"""permessage-deflate (RFC 7692, OCPP 2.0.1 Part 4 §3.3) that costs no memory while a connection is idle.

zlib keeps some 300 KB for each connection that compresses with a context that lives on from message to message. So both
directions start each message afresh, our window is small, and a message too short to gain goes as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame
from websockets.typing import ExtensionParameter

_WINDOW_BITS: Final = 12  # OCPP messages repeat themselves within 4 KB or not at all
_WORTH_COMPRESSING_BYTES: Final = 256  # below, a fresh context saves next to nothing


class _SparingDeflate(PerMessageDeflate):
    def encode(self, frame: Frame) -> Frame:
        return frame if len(frame.data) < _WORTH_COMPRESSING_BYTES else super().encode(frame)


class _ServerDeflate(ServerPerMessageDeflateFactory):
    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        response_params, negotiated = super().process_request_params(params, accepted_extensions)
        return response_params, _sparing(negotiated)


class _ClientDeflate(ClientPerMessageDeflateFactory):
    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> PerMessageDeflate:
        return _sparing(super().process_response_params(params, accepted_extensions))


def server_deflate() -> ServerPerMessageDeflateFactory:
    """What a server negotiates: it asks the client to start each message afresh, which any client must be able to."""
    return _ServerDeflate(client_no_context_takeover=True)


def client_deflate() -> ClientPerMessageDeflateFactory:
    """What a client offers."""
    return _ClientDeflate(server_no_context_takeover=True, client_no_context_takeover=True, client_max_window_bits=True)


def _sparing(negotiated: PerMessageDeflate) -> PerMessageDeflate:
    """The negotiated extension, using less than it may: a smaller window and no context need not be announced."""
    return _SparingDeflate(
        remote_no_context_takeover=negotiated.remote_no_context_takeover,
        local_no_context_takeover=True,
        remote_max_window_bits=negotiated.remote_max_window_bits,
        local_max_window_bits=min(negotiated.local_max_window_bits, _WINDOW_BITS),
        compress_settings={"memLevel": 5},
    )
