"""What a program tells people on stdout and stderr, also where nobody reads it any more."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from station.user_mistake import UserMistake


def say(text: str, to: TextIO | None = None) -> None:
    """Write a line. to: stdout where it does not say. Raises UserMistake: it cannot be written.

    What the encoding does not have is escaped. Where the reader has gone, as `head` does when it has enough, this and
    all that follows is for nobody, and the program goes on: its exit status still tells how it went.
    """
    stream = sys.stdout if to is None else to
    encoding = stream.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except OSError as error:
        raise UserMistake(f"{stream.name} cannot be written: {error.strerror}") from None
