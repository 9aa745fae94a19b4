"""Named refusals about risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from app.kernel.errors import Refusal


class RuleRefused(Refusal):
    """A rule of a shop that cannot be: a reason for each part that is wrong ("name", "conditions", or a kind)."""

    code: ClassVar[str] = "rule_refused"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{part}: {reason}" for part, reason in errors.items()))
        self.errors = dict(errors)


class RuleUnknown(Refusal):
    """This shop has no such rule."""

    code: ClassVar[str] = "rule_unknown"


class RuleChanged(Refusal):
    """Somebody else changed the rule meanwhile; `version` is the one that holds now."""

    code: ClassVar[str] = "rule_changed"

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} holds now")
        self.version = version


class SnoozeRefused(Refusal):
    """A rule cannot be left out so long, or for ever: from a day to a year."""

    code: ClassVar[str] = "snooze_refused"


class CustomerUnknown(Refusal):
    """Nobody with this id has bought at this shop."""

    code: ClassVar[str] = "customer_unknown"


class ModelBroken(Refusal):
    """A stored model that may not be asked: its `part` (shape, features, numbers, digest) is not what it must be."""

    code: ClassVar[str] = "model_broken"

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class ModelMissing(Refusal):
    """This shop has no model yet, or another one by now."""

    code: ClassVar[str] = "model_missing"


class ModelNotBetter(Refusal):
    """Its replay does not beat the rules at the same load: it stays in the shadow."""

    code: ClassVar[str] = "model_not_better"
