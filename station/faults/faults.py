"""The faults of one station: the rules in force, how often each has struck, and what they do to each connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from station.faults.rules import MOST_RULES, Message, Rule, read_rule
from station.fields import Field, array, record, whole

log = logging.getLogger()


@dataclass(slots=True)
class _InForce:
    rule: Rule
    seen: int = 0
    struck: int = 0


class Faults:
    """Strikes messages between a station and its CSMS. Without rules it lets everything pass."""

    def __init__(
        self, identity: str, random: Random, *, half_open: Callable[[], None], power_cut: Callable[[], None]
    ) -> None:
        """half_open: has the open connections fall silent. power_cut: cuts the station's power.

        random: decides where a rule has a probability, and what a corrupt message looks like.
        """
        self._identity = identity
        self._given = random
        self._random = random
        self._seed: int | None = None
        self._rules: list[_InForce] = []
        self.half_open: Final = half_open
        self.power_cut: Final = power_cut

    @property
    def random(self) -> Random:
        """Where chance comes from."""
        return self._random

    @property
    def is_active(self) -> bool:
        """There are rules."""
        return bool(self._rules)

    def put(self, document: Any) -> None:
        """Replace all rules: {"rules": [...], "seed": 7}, the seed making chance repeatable.

        Raises Invalid, and then leaves all as it is.
        """
        read = _READ(document, "")
        self.replace(read["rules"], read["seed"])

    def replace(self, rules: Sequence[Rule], seed: int | None = None) -> None:
        """As `put`, of rules that were read."""
        self._seed = seed
        self._random = self._given if self._seed is None else Random(self._seed)  # noqa: S311  # repeatable on purpose
        self._rules = [_InForce(rule) for rule in rules]

    def clear(self) -> None:
        """Let everything pass again. What waits already still goes when it is due."""
        self.replace([])

    def report(self) -> dict[str, Any]:
        """The rules in force; of each, how many messages it was about (seen), and how many it struck."""
        rules = [
            in_force.rule.to_document() | {"seen": in_force.seen, "struck": in_force.struck} for in_force in self._rules
        ]
        return {"rules": rules} if self._seed is None else {"rules": rules, "seed": self._seed}

    def strike(self, message: Message) -> Rule | None:
        """The first rule that strikes this message; those behind it do not get to see it. None: it passes."""
        for in_force in self._rules:
            rule = in_force.rule
            if not rule.is_about(message):
                continue
            in_force.seen += 1
            if in_force.seen <= rule.after or (rule.count is not None and in_force.struck >= rule.count):
                continue
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            in_force.struck += 1
            log.info(
                "%s: fault %s: %s %s %s",
                self._identity,
                rule.kind,
                message.direction,
                message.type or "unreadable message",
                message.action or "",
            )
            return rule
        return None


FAULTS_FIELDS: Final[Mapping[str, Field]] = {
    "rules": Field(array(read_rule, most=MOST_RULES), required=True),
    "seed": Field(whole(least=0)),
}
"""What can be written of faults; an object with these may have others besides."""
_READ: Final = record(FAULTS_FIELDS)
