"""RFC 9457 problem documents, and the refusals that the web layer itself makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

PROBLEM_TYPE: Final = "application/problem+json"


class RefusedRequest(Exception):
    """A request that no page and no client of ours would send. ``code`` is stable, ``status`` is HTTP's."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class FieldProblem(msgspec.Struct, frozen=True):
    """One fault of the input: a JSON pointer to it, a stable code, and a sentence for the developer."""

    pointer: str
    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """`version` is the present one, where an edit was made to another; `refundable_minor` what may be given back of an
    order, where a refund saw another figure."""

    status: int
    code: str
    title: str
    type: str = "about:blank"
    detail: str = ""
    errors: Sequence[FieldProblem] = ()
    incident: str = ""
    version: int = 0
    refundable_minor: int | None = None


def problem_body(problem: Problem) -> bytes:
    return msgspec.json.encode(problem)
