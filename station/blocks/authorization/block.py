"""Answers whether a token may charge: at once, or when the CSMS has answered an Authorize."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

from shared.clock import Clock
from shared.ocppj.errors import CallFailed
from station.blocks.authorization.cache import AuthorizationCache
from station.blocks.authorization.rules import Policy, decide
from station.blocks.block import Block, Handler
from station.device_model import AUTH_CACHE_ENABLED, DeviceModel
from station.id_token import IdToken, IdTokenInfo
from station.outgoing import Outgoing, Payload
from station.state import State

QUESTIONS_KEPT: Final = 256
"""Tokens that wait for the CSMS; who comes then is told NotAtThisTime."""

Decided = Callable[[IdTokenInfo], None]


class _Question(NamedTuple):
    id_token: IdToken
    decided: Decided


class Authorization(Block):
    """What the station knows of tokens, and what it asks."""

    def __init__(self, state: State, variables: DeviceModel, clock: Clock, *, online: Callable[[], bool]) -> None:
        """online: whether the CSMS can be asked."""
        self._variables = variables
        self._online = online
        self._cache = AuthorizationCache(state, variables, clock)
        self._questions: list[_Question] = []

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"ClearCache": self.clear_cache}

    def view(self) -> Mapping[str, Any]:
        return {"cached_tokens": len(self._cache)}

    def check(self, id_token: IdToken, decided: Decided) -> None:
        """Have `decided` called with what the token may do: before this returns, or when the CSMS has answered.

        It is called once, unless the station loses power before.
        """
        info = self._decide(id_token)
        if info is not None:
            decided(info)
        elif len(self._questions) >= QUESTIONS_KEPT:
            decided({"status": "NotAtThisTime"})
        else:
            self._questions.append(_Question(id_token, decided))

    def known(self, id_token: IdToken) -> IdTokenInfo | None:
        """What the station remembers of a token, without asking."""
        return self._cache.look_up(id_token)

    def learn(self, id_token: IdToken, info: IdTokenInfo) -> None:
        """The CSMS has said this of a token (C10.FR.04, C10.FR.05)."""
        self._cache.learn(id_token, info)

    def clear_cache(self, _: Payload) -> Payload:
        """Answer ClearCache (C11): Rejected where there is no cache in use (C11.FR.04)."""
        if not self._variables[AUTH_CACHE_ENABLED]:
            return {"status": "Rejected"}
        self._cache.clear()
        return {"status": "Accepted"}

    def disconnected(self) -> None:
        """Decide without the CSMS what it was, or would have been, asked."""
        questions, self._questions = self._questions, []
        for question in questions:
            question.decided(self._decide_offline(question.id_token))

    def tick(self) -> bool:
        """Decide likewise when the CSMS cannot be asked any more although it is there (B01.FR.10)."""
        if not self._questions or self._online():
            return False
        self.disconnected()
        return True

    def next_call(self) -> Outgoing | None:
        """The Authorize that waits longest (C01.FR.02)."""
        if not self._questions:
            return None
        question = self._questions[0]

        def over(info: IdTokenInfo) -> None:
            if self._questions and self._questions[0] is question:
                del self._questions[0]
                question.decided(info)

        def answered(response: Payload) -> None:
            info = cast(IdTokenInfo, response["idTokenInfo"])
            self.learn(question.id_token, info)
            over(info)

        def failed(_: CallFailed) -> None:
            over(self._decide_offline(question.id_token))  # a CSMS that does not answer might as well not be there

        def late(result: Payload | CallFailed) -> None:
            if not isinstance(result, CallFailed):
                self.learn(question.id_token, cast(IdTokenInfo, result["idTokenInfo"]))

        return Outgoing("Authorize", {"idToken": question.id_token}, answered, failed, late=late)

    def due_at(self) -> float:
        return math.inf

    def _decide(self, id_token: IdToken) -> IdTokenInfo | None:
        return decide(id_token, self.known(id_token), Policy.of(self._variables), online=self._online())

    def _decide_offline(self, id_token: IdToken) -> IdTokenInfo:
        info = decide(id_token, self.known(id_token), Policy.of(self._variables), online=False)
        return {"status": "NotAtThisTime"} if info is None else info
