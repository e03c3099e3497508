"""The load generator's frames and handshake, against the `websockets` library's reading of RFC 6455."""

import pytest
from websockets.frames import Frame as PeerFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from bench import websocket
from bench.websocket import Frame, HandshakeRefused, ProtocolViolation, take_frames, take_handshake_response

LENGTHS = (0, 1, 125, 126, 127, 65535, 65536)
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def read_as_server(data: bytes) -> PeerFrame:
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parsing = PeerFrame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame = done.value.value
    assert isinstance(frame, PeerFrame)
    return frame


def written_by_server(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return PeerFrame(opcode, payload, fin).serialize(mask=False)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_server_reads_what_a_client_frame_says(length: int) -> None:
    payload = bytes(range(256)) * (length // 256 + 1)
    frame = read_as_server(websocket.client_frame(websocket.TEXT, payload[:length]))
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.TEXT, payload[:length], True)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_servers_frame_is_read_whole_whatever_its_length(length: int) -> None:
    buffer = bytearray(written_by_server(Opcode.TEXT, b"x" * length))
    assert take_frames(buffer) == [Frame(websocket.TEXT, b"x" * length)]
    assert not buffer


def test_frames_that_arrive_byte_by_byte_and_together_are_the_same() -> None:
    data = b"".join([
        written_by_server(Opcode.PING, b"are you there"),
        written_by_server(Opcode.TEXT, b"y" * 300),
        written_by_server(Opcode.CLOSE, b"\x03\xe9"),
    ])  # fmt: skip
    together = take_frames(bytearray(data))
    buffer = bytearray()
    one_by_one: list[Frame] = []
    for byte in data:
        buffer.append(byte)
        one_by_one += take_frames(buffer)
    assert one_by_one == together
    assert [frame.opcode for frame in together] == [websocket.PING, websocket.TEXT, websocket.CLOSE]


@pytest.mark.parametrize(
    "data",
    [
        written_by_server(Opcode.TEXT, b"begun", fin=False),
        written_by_server(Opcode.CONT, b"continued"),
        b"\xc1\x01x",
        websocket.client_frame(websocket.TEXT, b"masked"),
    ],
    ids=["fragment", "continuation", "reserved bit", "masked"],
)
def test_what_a_server_must_not_send_here_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        take_frames(bytearray(data))


def test_the_accept_value_is_that_of_the_rfc() -> None:
    assert websocket.accept_value(KEY) == ACCEPT


def response(status: str = "HTTP/1.1 101 Switching Protocols", accept: str = ACCEPT, *more: str) -> bytearray:
    lines = [status, "Upgrade: websocket", "Connection: Upgrade", f"SEC-WebSocket-Accept:{accept}", *more, "", ""]
    return bytearray("\r\n".join(lines).encode())


def test_a_handshake_response_is_taken_when_complete_and_what_follows_stays() -> None:
    whole = response("HTTP/1.1 101 Switching Protocols", ACCEPT, "Sec-WebSocket-Protocol: ocpp2.0.1")
    buffer = whole[:-1]
    assert not take_handshake_response(buffer, key=KEY, subprotocol="ocpp2.0.1")
    buffer += whole[-1:] + b"next"
    assert take_handshake_response(buffer, key=KEY, subprotocol="ocpp2.0.1")
    assert buffer == b"next"


@pytest.mark.parametrize(
    ("buffer", "reason"),
    [
        (response("HTTP/1.1 401 Unauthorized"), "401"),
        (response("HTTP/1.1 101 Switching Protocols", "bm90IHRoaXMgb25l"), "Accept"),
        (response(), "subprotocol None"),
        (
            response(
                "HTTP/1.1 101 Switching Protocols",
                ACCEPT,
                "Sec-WebSocket-Protocol: ocpp2.0.1",
                "Sec-WebSocket-Extensions: permessage-deflate",
            ),
            "extension",
        ),
    ],
)
def test_any_other_handshake_response_is_a_refusal_that_says_why(buffer: bytearray, reason: str) -> None:
    with pytest.raises(HandshakeRefused, match=reason):
        take_handshake_response(buffer, key=KEY, subprotocol="ocpp2.0.1")
