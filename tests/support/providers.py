"""A payment provider with a book of its own, whose calls can be cut before or after their effect.

bank = FakeProvider("card")
bank.approve(payment.provider_ref)          # the shopper pays on its page
bank.cut("capture", after=True)             # the next capture happens, and its answer is lost
bank.refuse("capture")                      # the next capture is refused, without effect
bank.effects                                # every effect there was, in order: ("capture", "pay_...", 12900)
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias, TypeVar

from app.kernel import db
from app.kernel.money import Money
from app.payments.errors import CallbackForged, ProviderRefused, ProviderUnreachable
from app.payments.ports import (
    Aggregate,
    Callback,
    Dispute,
    DisputeStanding,
    NewCharge,
    NewPayment,
    NewSetup,
    Opened,
    ProviderMethod,
    Refunded,
    SavedMethod,
    SetUp,
    Standing,
)

Call: TypeAlias = Literal[
    "create",
    "get",
    "capture",
    "cancel",
    "refund",
    "charge",
    "set_up",
    "get_setup",
    "forget",
    "probe",
    "disputes",
]
SIGNATURE: Final = "a good signature"
T = TypeVar("T")


@dataclass
class _Cut:
    """What becomes of the next call: it fails before its effect, or after it."""

    after: bool


class FakeProvider:
    """One provider. `book` is its own: what it says of each payment, by its reference for it.

    `pause` is awaited before each call's effect, and `paused_after` after it, with the call's name: a test holds a call
    there, or dies in it.
    """

    def __init__(self, method: ProviderMethod = "card") -> None:
        self.method: ProviderMethod = method
        self.book: dict[str, Aggregate] = {}
        self.opened: dict[str, NewPayment] = {}
        self.setups: dict[str, SetUp] = {}
        self.disputed: dict[str, Dispute] = {}
        self.effects: list[tuple[str, str, int]] = []
        self.asked: list[str] = []
        self.refunds_done = True
        self.charges_fail_with: str | None = None
        self.tokens_that_fail: dict[str, str] = {}
        self.charged_with: list[str] = []
        self.pause: Callable[[str], Awaitable[None]] | None = None
        self.paused_after: Callable[[str], Awaitable[None]] | None = None
        self._answers: dict[str, object] = {}
        self._cuts: dict[str, list[_Cut | str]] = defaultdict(list)

    # --- what a test does to it ---

    def cut(self, call: Call, *, after: bool) -> None:
        """The next such call ends without an answer, before its effect or after it."""
        self._cuts[call].append(_Cut(after))

    def refuse(self, call: Call, reason: str = "declined") -> None:
        """The next such call is refused, without effect."""
        self._cuts[call].append(reason)

    def approve(self, provider_ref: str | None, amount: Money | None = None) -> None:
        """The shopper pays on the provider's page: the money is authorised, another sum than ours if a test says so."""
        assert provider_ref is not None
        before = self.book[provider_ref]
        assert before.standing is Standing.PENDING, before
        new = self.opened[provider_ref]
        amount = amount or new.amount
        saved = SavedMethod("token-1", "Visa 4242", "2031-07") if new.save else None
        self._keep(
            replace(
                before,
                standing=Standing.AUTHORISED,
                authorised_minor=amount.amount_minor,
                currency=amount.currency,
                saved=saved,
            )
        )

    def end(self, provider_ref: str | None, standing: Standing, failure: str | None = None) -> None:
        """The payment ends on the provider's side: declined, called off there, run out."""
        assert provider_ref is not None
        self._keep(replace(self.book[provider_ref], standing=standing, failure=failure))

    def agree(self, provider_ref: str | None, saved: SavedMethod) -> None:
        """The shopper saves a way to pay on the provider's page."""
        assert provider_ref is not None
        before = self.setups[provider_ref]
        self.setups[provider_ref] = replace(before, standing=Standing.AUTHORISED, saved=saved)

    def end_setup(self, provider_ref: str | None, standing: Standing) -> None:
        assert provider_ref is not None
        self.setups[provider_ref] = replace(self.setups[provider_ref], standing=standing)

    def captured(self, provider_ref: str | None, amount_minor: int) -> None:
        """Somebody took money on the provider's own pages."""
        assert provider_ref is not None
        self._keep(replace(self.book[provider_ref], captured_minor=amount_minor))

    def refunded(self, provider_ref: str | None, amount_minor: int) -> None:
        """Somebody gave money back on the provider's own pages."""
        assert provider_ref is not None
        before = self.book[provider_ref]
        self._keep(replace(before, refunded_minor=before.refunded_minor + amount_minor))

    def dispute(
        self,
        provider_ref: str | None,
        standing: DisputeStanding = DisputeStanding.OPEN,
        *,
        is_away: bool = True,
        reason: str = "fraudulent",
        amount_minor: int | None = None,
        name: str = "du_1",
    ) -> Dispute:
        """Whoever owns the card disputes a payment, or that dispute goes on."""
        assert provider_ref is not None
        of = self.book[provider_ref]
        told = Dispute(
            f"{name}_{provider_ref}",
            of.reference,
            of.captured_minor if amount_minor is None else amount_minor,
            of.currency,
            standing,
            is_away,
            reason,
        )
        self.disputed[told.provider_ref] = told
        return told

    def taken_minor(self) -> int:
        """What it took from shoppers and did not give back, in all; what is disputed is not there either."""
        away = sum(each.amount_minor for each in self.disputed.values() if each.is_away)
        return sum(each.captured_minor - each.refunded_minor for each in self.book.values()) - away

    def ref_of(self, reference: str) -> str:
        """Its name for a payment of ours."""
        return next(ref for ref, each in self.book.items() if each.reference == reference)

    # --- what a provider does ---

    async def create(self, new: NewPayment) -> Opened:
        def effect() -> Opened:
            ref = f"{self.method}-{len(self.book) + 1}"
            self.opened[ref] = new
            self._keep(Aggregate(ref, new.reference, Standing.PENDING, new.amount.currency, 0))
            self.effects.append(("create", new.reference, new.amount.amount_minor))
            return Opened(ref, f"https://provider.example/{ref}")

        return await self._once("create", new.key, effect)

    async def get(self, provider_ref: str) -> Aggregate:
        return await self._call("get", lambda: self.book[provider_ref])

    async def capture(self, provider_ref: str, amount: Money, *, key: str) -> Aggregate:
        def effect() -> Aggregate:
            before = self.book[provider_ref]
            left = before.authorised_minor - before.captured_minor - before.cancelled_minor
            if before.standing is not Standing.AUTHORISED or not 0 < amount.amount_minor <= left:
                raise ProviderRefused("not_authorised")
            after = replace(before, captured_minor=before.captured_minor + amount.amount_minor)
            self.effects.append(("capture", before.reference, amount.amount_minor))
            return self._keep(after)

        return await self._once("capture", key, effect)

    async def cancel(self, provider_ref: str, *, key: str) -> Aggregate:
        def effect() -> Aggregate:
            before = self.book[provider_ref]
            if before.captured_minor or before.standing not in {Standing.PENDING, Standing.AUTHORISED}:
                raise ProviderRefused("too_late")
            self.effects.append(("cancel", before.reference, before.authorised_minor))
            return self._keep(
                replace(before, standing=Standing.CANCELLED, cancelled_minor=before.authorised_minor)
            )

        return await self._once("cancel", key, effect)

    async def refund(self, provider_ref: str, amount: Money, *, key: str) -> Refunded:
        def effect() -> Refunded:
            before = self.book[provider_ref]
            if amount.amount_minor > before.captured_minor - before.refunded_minor:
                raise ProviderRefused("more_than_captured")
            self.effects.append(("refund", before.reference, amount.amount_minor))
            if self.refunds_done:
                self.refunded(provider_ref, amount.amount_minor)
            return Refunded(f"refund-{key}", amount, done=self.refunds_done)

        return await self._once("refund", key, effect)

    async def charge(self, new: NewCharge) -> Aggregate:
        def effect() -> Aggregate:
            ref = f"{self.method}-{len(self.book) + 1}"
            sum_minor, currency = new.amount.amount_minor, new.amount.currency
            self.charged_with.append(new.token)
            failure = self.tokens_that_fail.get(new.token, self.charges_fail_with)
            if failure is not None:
                return self._keep(
                    Aggregate(ref, new.reference, Standing.FAILED, currency, 0, failure=failure)
                )
            self.effects.append(("charge", new.reference, sum_minor))
            return self._keep(
                Aggregate(ref, new.reference, Standing.AUTHORISED, currency, sum_minor, sum_minor)
            )

        return await self._once("charge", new.key, effect)

    async def set_up(self, new: NewSetup) -> Opened:
        def effect() -> Opened:
            ref = f"{self.method}-setup-{len(self.setups) + 1}"
            self.setups[ref] = SetUp(ref, new.reference, Standing.PENDING)
            self.effects.append(("set_up", new.reference, 0))
            return Opened(ref, f"https://provider.example/{ref}")

        return await self._once("set_up", new.key, effect)

    async def get_setup(self, provider_ref: str) -> SetUp:
        return await self._call("get_setup", lambda: self.setups[provider_ref])

    async def forget(self, token: str, *, key: str) -> None:
        await self._once("forget", key, lambda: self.effects.append(("forget", token, 0)))

    async def disputes(self, since: datetime) -> tuple[Dispute, ...]:
        del since
        return await self._call("disputes", lambda: tuple(reversed(self.disputed.values())))

    async def probe(self) -> None:
        await self._call("probe", lambda: None)

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, host: str, path: str, wall: datetime
    ) -> Callback:
        """A JSON object with `id`, `ref` and `reference`, under a header of its own."""
        del host, path, wall
        if headers.get("x-signature") != SIGNATURE:
            raise CallbackForged
        told = json.loads(body)
        return Callback(told["id"], told.get("ref"), told.get("reference"))

    # --- the door itself ---

    async def _once(self, call: str, key: str, effect: Callable[[], T]) -> T:
        """The same call again under one key has one effect, and the same answer as far as the book still says so."""

        def remembered() -> T:
            if key not in self._answers:
                self._answers[key] = effect()
            answer = self._answers[key]
            if isinstance(answer, Aggregate):
                return self.book[answer.provider_ref]  # type: ignore[return-value]
            return answer  # type: ignore[return-value]

        return await self._call(call, remembered)

    async def _call(self, call: str, effect: Callable[[], T]) -> T:
        db.refuse_in_transaction(f"the provider's {call}")
        self.asked.append(call)
        fate = self._cuts[call].pop(0) if self._cuts[call] else None
        if self.pause is not None:
            await self.pause(call)
        if isinstance(fate, str):
            raise ProviderRefused(fate)
        if fate is not None and not fate.after:
            raise ProviderUnreachable("cut_before")
        answer = effect()
        if self.paused_after is not None:
            await self.paused_after(call)
        if fate is not None:
            raise ProviderUnreachable("cut_after")
        return answer

    def _keep(self, told: Aggregate) -> Aggregate:
        self.book[told.provider_ref] = told
        return told
