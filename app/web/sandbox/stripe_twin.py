"""The sandbox's Stripe: what its API answers to, on a memory that several processes share.

As strict as the real one where that protects us: a parameter that it does not know is refused, so that none is sent in
vain, and a key that comes again with another body is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from app.kernel import clock
from app.messages.sandbox_stripe import Book, in_book
from app.web.sandbox import stripe_disputes as disputes
from app.web.sandbox import stripe_objects as objects
from app.web.sandbox import stripe_rules as rules
from app.web.sandbox.stripe_objects import Intent, Method, Session, card_by_number, new_id
from app.web.sandbox.stripe_requests import Asked, Fields
from app.web.sandbox.stripe_rules import StripeError, invalid

API_VERSION: Final = "2026-10-28.endive"
_LIST_MAX: Final = 100
# So far back a dispute is looked for.
_NEWEST_MAX: Final = 1000
_CALLS: Final[list[tuple[str, re.Pattern[str], str]]] = [
    ("POST", re.compile(r"checkout/sessions"), "open_page"),
    ("GET", re.compile(r"checkout/sessions/(\w+)"), "tell_page"),
    ("POST", re.compile(r"checkout/sessions/(\w+)/expire"), "close_page"),
    ("POST", re.compile(r"payment_intents"), "make_intent"),
    ("GET", re.compile(r"payment_intents"), "list_intents"),
    ("GET", re.compile(r"payment_intents/(\w+)"), "tell_intent"),
    ("POST", re.compile(r"payment_intents/(\w+)/capture"), "capture"),
    ("POST", re.compile(r"payment_intents/(\w+)/cancel"), "cancel"),
    ("POST", re.compile(r"refunds"), "refund"),
    ("GET", re.compile(r"refunds"), "list_refunds"),
    ("GET", re.compile(r"disputes"), "list_disputes"),
    ("POST", re.compile(r"customers"), "make_customer"),
    ("POST", re.compile(r"payment_methods"), "make_method"),
    ("POST", re.compile(r"payment_methods/(\w+)/attach"), "attach_method"),
]
Shape = TypeVar("Shape", Intent, Session, Method)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; `is_lost` when it is not to arrive. `events` are what the account is told of beside it."""

    status: int
    body: bytes
    is_lost: bool = False
    events: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """A change that webhooks tell of: its type and the object as it is then."""

    type: str
    object: Mapping[str, object]


class StripeTwin:
    """One account of the sandbox's Stripe. `address` is where the shopper's browser finds its pages."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def answer(self, request: Asked) -> Told:
        """Whatever is asked, as the real one would answer. One transaction."""
        return await in_book(lambda book: self._once(Desk(book, self), request))

    async def _once(self, desk: Desk, request: Asked) -> Told:
        """The same key again: the same answer, and nothing happens."""
        if request.key is None or request.method == "GET":
            return await self._answer(desk, request)
        digest = hashlib.sha256(
            msgspec.json.encode([request.path, sorted(request.fields.items())])
        ).hexdigest()
        known = await desk.book.find("key", request.key)
        if known is not None:
            if known["digest"] != digest:
                message = "Keys for idempotent requests can only be used with the same parameters."
                return _no(StripeError(400, "idempotency_error", None, message))
            return Told(int(str(known["status"])), str(known["body"]).encode())
        told = await self._answer(desk, request)
        # What did not even begin is not kept, as at the real one.
        if told.status in {200, 402}:
            kept = {"digest": digest, "status": told.status, "body": told.body.decode()}
            await desk.book.keep("key", request.key, kept)
        return told

    async def _answer(self, desk: Desk, request: Asked) -> Told:
        try:
            if request.version != API_VERSION:
                raise invalid(f"This sandbox speaks version {API_VERSION} alone.")
            call, known_as = _call_of(request)
            shown = await getattr(desk, call)(Fields(request.fields), *known_as)
            return Told(200, msgspec.json.encode(shown), desk.is_lost, tuple(desk.events))
        except StripeError as error:
            return _no(error, tuple(desk.events))


def _call_of(request: Asked) -> tuple[str, tuple[str, ...]]:
    for method, path, call in _CALLS:
        found = path.fullmatch(request.path)
        if found is not None and method == request.method:
            return call, found.groups()
    raise invalid("Unrecognized request URL.", status=404)


def no_such_payment(reference: str) -> StripeError:
    """Of ours, by our own name for it: unknown, or another shop's."""
    return invalid(f"No such payment: '{reference}'", "resource_missing", status=404)


def refusal(error: StripeError) -> bytes:
    """The body of an answer that says no."""
    told: dict[str, object] = {"type": error.kind, "message": error.message}
    if error.code is not None:
        told["code"] = error.code
    if error.intent is not None:
        told |= objects.show_error(error.intent)
        told["payment_intent"] = objects.show_intent(error.intent, None, ["latest_charge"])
    return msgspec.json.encode({"error": told})


def _no(error: StripeError, events: tuple[Happened, ...] = ()) -> Told:
    return Told(error.status, refusal(error), events=events)


class Desk:
    """One request at work on the book."""

    def __init__(self, book: Book, twin: StripeTwin) -> None:
        self.book = book
        self.events: list[Happened] = []
        self.is_lost = False
        self._twin = twin

    # --- The hosted page

    async def open_page(self, fields: Fields) -> Mapping[str, object]:
        mode = fields.needed("mode")
        if mode == "setup":
            return await self._open_setup(fields)
        if mode != "payment":
            raise invalid("This sandbox knows payments, and cards that are saved.")
        line = "line_items[0][price_data]"
        fields.text("line_items[0][quantity]")
        amount = fields.amount(f"{line}[unit_amount]")
        currency = fields.needed(f"{line}[currency]")
        name = fields.needed(f"{line}[product_data][name]")
        for known in ("submit_type", "client_reference_id", "customer_email", "adaptive_pricing[enabled]"):
            fields.text(known)
        if set(fields.under("allowed_payment_method_types").values()) - {"card"}:
            raise invalid("This sandbox knows cards alone.")
        intent = Intent(
            new_id("pi"),
            amount,
            currency,
            capture_method=fields.text("payment_intent_data[capture_method]", "automatic"),
            description=fields.text("payment_intent_data[description]"),
            metadata=fields.under("payment_intent_data[metadata]"),
            setup_future_usage=fields.text("payment_intent_data[setup_future_usage]") or None,
        )
        expires_at = fields.number("expires_at")
        wall = clock.wall()
        if expires_at is not None:
            rules.check_end(expires_at, wall)
        session = Session(
            new_id("cs"),
            amount,
            currency,
            name,
            success_url=fields.needed("success_url"),
            cancel_url=fields.text("cancel_url"),
            expires_at=expires_at or int(wall.timestamp()) + rules.LASTS_S_MAX,
            intent_id=intent.id,
            locale=fields.text("locale", "auto"),
            makes_customer=fields.text("customer_creation") == "always" or bool(intent.setup_future_usage),
            metadata=fields.under("metadata"),
        )
        expand = fields.expand()
        fields.end()
        await self._keep_intent(intent)
        return await self._keep_session(session, intent, expand)

    async def _open_setup(self, fields: Fields) -> Mapping[str, object]:
        """A page that saves a card: no sum, no line, and `submit_type` is refused as at the real one."""
        if set(fields.under("allowed_payment_method_types").values()) != {"card"}:
            raise invalid("This sandbox knows cards alone.")
        fields.text("client_reference_id")
        intent = Intent(
            new_id("seti"),
            0,
            fields.text("currency"),
            description=fields.text("setup_intent_data[description]"),
            metadata=fields.under("setup_intent_data[metadata]"),
            is_setup=True,
        )
        expires_at = fields.number("expires_at")
        wall = clock.wall()
        if expires_at is not None:
            rules.check_end(expires_at, wall)
        session = Session(
            new_id("cs"),
            0,
            intent.currency,
            intent.description,
            success_url=fields.needed("success_url"),
            cancel_url=fields.text("cancel_url"),
            expires_at=expires_at or int(wall.timestamp()) + rules.LASTS_S_MAX,
            intent_id=intent.id,
            locale=fields.text("locale", "auto"),
            makes_customer=fields.text("customer_creation") == "always",
            metadata=fields.under("metadata"),
        )
        expand = fields.expand()
        fields.end()
        await self._keep_intent(intent)
        return await self._keep_session(session, intent, expand)

    async def tell_page(self, fields: Fields, known_as: str) -> Mapping[str, object]:
        expand = fields.expand()
        fields.end()
        session, intent = await self.page(known_as)
        return await self._show_session(session, intent, expand)

    async def close_page(self, fields: Fields, known_as: str) -> Mapping[str, object]:
        expand = fields.expand()
        fields.end()
        session, intent = await self.page(known_as)
        rules.expire(session)
        shown = await self._keep_session(session, intent, expand)
        self.happened("checkout.session.expired", shown)
        return shown

    async def page(self, known_as: str) -> tuple[Session, Intent]:
        """As it is by now: what fell due since the last look has happened. Raises StripeError."""
        session = await self._find(Session, "session", known_as)
        intent = await self.intent(session.intent_id)
        if rules.run_out(session, clock.wall()):
            await self._keep_session(session, intent, [])
        return session, intent

    async def keep_page(self, session: Session, intent: Intent, method: Method) -> None:
        """After the shopper has done something there."""
        await self.book.keep("method", method.id, msgspec.to_builtins(method))
        await self._keep_intent(intent)
        shown = await self._keep_session(session, intent, [])
        if session.status == "complete":
            self.happened("checkout.session.completed", shown)
        await self._tell_of(intent)

    # --- Intents

    async def make_intent(self, fields: Fields) -> Mapping[str, object]:
        intent = Intent(
            new_id("pi"),
            fields.amount("amount"),
            fields.needed("currency"),
            capture_method=fields.text("capture_method", "automatic"),
            description=fields.text("description"),
            metadata=fields.under("metadata"),
            customer=fields.text("customer") or None,
        )
        confirm = fields.text("confirm") == "true"
        is_later = fields.text("off_session") == "true"
        method_id = fields.text("payment_method")
        fields.under("allowed_payment_method_types")
        expand = fields.expand()
        fields.end()
        if not confirm or not method_id:
            raise invalid("This sandbox makes intents that are confirmed with a card at once.")
        method = await self._find(Method, "method", method_id)
        if method.customer != intent.customer:
            raise invalid("The PaymentMethod does not belong to this customer.")
        waits = not is_later and rules.challenge(intent, method)
        refused = "" if waits else rules.ask_bank(intent, method, is_later=is_later)
        shown = await self._keep_intent(intent, expand)
        await self._tell_of(intent)
        if refused:
            raise StripeError(402, "card_error", intent.code, "The card was declined.", intent=intent)
        return shown

    async def list_intents(self, fields: Fields) -> Mapping[str, object]:
        customer = fields.text("customer") or None
        limit = min(fields.number("limit") or 10, _LIST_MAX)
        expand = [each.removeprefix("data.") for each in fields.expand()]
        fields.end()
        kept = await self.book.newest("intent", limit, customer=customer)
        found = [msgspec.convert(each, Intent) for each in kept]
        data = [
            objects.show_intent(each, await self._method_of(each), expand)
            for each in found
            if not each.is_setup
        ]
        return {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": data}

    async def tell_intent(self, fields: Fields, known_as: str) -> Mapping[str, object]:
        expand = fields.expand()
        fields.end()
        intent = await self.intent(known_as)
        return objects.show_intent(intent, await self._method_of(intent), expand)

    async def capture(self, fields: Fields, known_as: str) -> Mapping[str, object]:
        amount = fields.number("amount_to_capture")
        expand = fields.expand()
        fields.end()
        intent = await self.intent(known_as)
        rules.capture(intent, intent.amount if amount is None else amount)
        self.is_lost, intent.loses_answer = intent.loses_answer, False
        shown = await self._keep_intent(intent, expand)
        await self._tell_of(intent)
        return shown

    async def cancel(self, fields: Fields, known_as: str) -> Mapping[str, object]:
        reason = fields.text("cancellation_reason") or None
        expand = fields.expand()
        fields.end()
        intent = await self.intent(known_as)
        rules.cancel(intent, reason)
        shown = await self._keep_intent(intent, expand)
        await self._tell_of(intent)
        return shown

    async def refund(self, fields: Fields) -> Mapping[str, object]:
        intent_id = fields.needed("payment_intent")
        amount = fields.number("amount")
        metadata = fields.under("metadata")
        fields.end()
        intent = await self.intent(intent_id)
        refund = rules.refund(intent, amount, metadata)
        await self._keep_intent(intent)
        shown = objects.show_refund(refund)
        self.happened("refund.created", shown)
        return shown

    async def list_refunds(self, fields: Fields) -> Mapping[str, object]:
        intent_id = fields.needed("payment_intent")
        limit = min(fields.number("limit") or 10, _LIST_MAX)
        fields.end()
        charge = (await self.intent(intent_id)).charge
        found = charge.refunds[:limit] if charge is not None else []
        data = [objects.show_refund(each) for each in found]
        return {"object": "list", "url": "/v1/refunds", "has_more": False, "data": data}

    # --- Disputes

    async def list_disputes(self, fields: Fields) -> Mapping[str, object]:
        since = fields.number("created[gte]") or 0
        limit = min(fields.number("limit") or 10, _LIST_MAX)
        before = fields.text("starting_after")
        is_whole = "data.payment_intent" in fields.expand()
        fields.end()
        found = disputes.of_intents(await self._newest_intents(), since, before)
        data = [disputes.show(each, intent, is_whole=is_whole) for each, intent in found[:limit]]
        return {"object": "list", "url": "/v1/disputes", "has_more": len(found) > limit, "data": data}

    async def dispute(self, reference: str, reason: str) -> Intent:
        """Whoever owns the card disputes a payment of ours. Raises StripeError."""
        intent = await self._of_reference(reference)
        return await self._disputed(intent, disputes.begin(intent, reason, int(clock.wall().timestamp())))

    async def decide(self, reference: str, *, is_won: bool) -> Intent:
        """The bank decides about its dispute. Raises StripeError."""
        intent = await self._of_reference(reference)
        return await self._disputed(intent, disputes.decide(intent, is_won=is_won))

    async def _disputed(self, intent: Intent, happenings: disputes.Happenings) -> Intent:
        await self._keep_intent(intent)
        for kind, shown in happenings:
            self.happened(kind, shown)
        return intent

    async def _newest_intents(self) -> list[Intent]:
        return [msgspec.convert(each, Intent) for each in await self.book.newest("intent", _NEWEST_MAX)]

    async def _of_reference(self, reference: str) -> Intent:
        for intent in await self._newest_intents():
            if intent.metadata.get("reference") == reference and intent.charge is not None:
                return intent
        raise no_such_payment(reference)

    async def intent(self, known_as: str) -> Intent:
        """As it is by now. Raises StripeError."""
        intent = await self._find(Intent, "intent", known_as)
        if intent.answers_at is not None:
            method = await self._method_of(intent)
            if method is not None and rules.bank_answers(intent, method, await clock.business_now()):
                await self._keep_intent(intent)
                await self._tell_of(intent)
        return intent

    # --- Customers and their cards

    async def make_customer(self, fields: Fields) -> Mapping[str, object]:
        fields.under("metadata")
        fields.end()
        shown = {"id": new_id("cus"), "object": "customer", "livemode": False}
        await self.book.keep("customer", str(shown["id"]), shown)
        return shown

    async def make_method(self, fields: Fields) -> Mapping[str, object]:
        """Test cards alone: any other number is refused before it is looked at further."""
        kind, number = fields.needed("type"), fields.needed("card[number]")
        for name in ("card[exp_month]", "card[exp_year]", "card[cvc]"):
            fields.text(name)
        fields.end()
        card = card_by_number(number)
        if kind != "card" or card is None:
            raise StripeError(402, "card_error", "card_declined", "The sandbox takes test cards alone.")
        return await self._keep_method(rules.new_method(card))

    async def attach_method(self, fields: Fields, known_as: str) -> Mapping[str, object]:
        method = await self._find(Method, "method", known_as)
        method.customer = fields.needed("customer")
        fields.end()
        return await self._keep_method(method)

    # --- The book

    def happened(self, kind: str, shown: Mapping[str, object]) -> None:
        self.events.append(Happened(kind, shown))

    async def _tell_of(self, intent: Intent) -> None:
        if intent.is_setup:
            # Its page tells of it.
            return
        told = {
            "requires_capture": "payment_intent.amount_capturable_updated",
            "succeeded": "payment_intent.succeeded",
            "canceled": "payment_intent.canceled",
            "requires_payment_method": "payment_intent.payment_failed",
            "processing": "payment_intent.processing",
            "requires_action": "payment_intent.requires_action",
        }
        self.happened(told[intent.status], objects.show_intent(intent, None, []))

    async def _keep_session(
        self, session: Session, intent: Intent, expand: list[str]
    ) -> Mapping[str, object]:
        await self.book.keep("session", session.id, msgspec.to_builtins(session))
        return await self._show_session(session, intent, expand)

    async def _show_session(
        self, session: Session, intent: Intent, expand: list[str]
    ) -> Mapping[str, object]:
        page_url = f"{self._twin.address}/pay/{session.id}"
        return objects.show_session(session, intent, await self._method_of(intent), expand, page_url)

    async def _keep_intent(self, intent: Intent, expand: list[str] | None = None) -> Mapping[str, object]:
        # A customer's list is of what moved money.
        customer = None if intent.is_setup else intent.customer
        await self.book.keep("intent", intent.id, msgspec.to_builtins(intent), customer=customer)
        return objects.show_intent(intent, await self._method_of(intent), expand or [])

    async def _keep_method(self, method: Method) -> Mapping[str, object]:
        await self.book.keep("method", method.id, msgspec.to_builtins(method))
        return objects.show_method(method)

    async def _method_of(self, intent: Intent) -> Method | None:
        if intent.payment_method is None:
            return None
        kept = await self.book.find("method", intent.payment_method)
        return None if kept is None else msgspec.convert(kept, Method)

    async def _find(self, shape: type[Shape], kind: str, known_as: str) -> Shape:
        kept = await self.book.find(kind, known_as)  # type: ignore[arg-type]
        if kept is None:
            raise invalid(f"No such {kind}: '{known_as}'", "resource_missing", status=404)
        return msgspec.convert(kept, shape)
