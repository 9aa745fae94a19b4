"""Card payments through Stripe: its hosted Checkout page, so that no card data ever touches a page or a server of ours.

Everything is authorised first and captured by us later. Each call that changes something carries our key as Stripe's
idempotency key: the same call again has one effect for as long as Stripe keeps the key (a day at least). What could be
done twice after that, a charge or a refund, is looked for before it is made. A call whose answer was lost is not tried
again here: whoever keeps the payment's state asks after it.

Stripe's pages that this stands on: api/checkout/sessions, api/payment_intents, api/refunds, api/idempotent_requests,
api/errors, webhooks/signature; version `API_VERSION`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import stripe

from app.kernel.money import Money
from app.outside.card_callbacks import read_event
from app.outside.card_disputes import Dispute as StripeDispute
from app.outside.card_disputes import Disputes, of_dispute
from app.outside.card_http import REPLAYED, CardHttp
from app.outside.card_reading import (
    KEY,
    REFERENCE,
    SESSION_PREFIX,
    Intent,
    Intents,
    Refund,
    Refunds,
    Refusal,
    Session,
    SetupPage,
    failure_of,
    named,
    of_intent,
    of_session,
    of_setup,
    parts_of_token,
)
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import (
    Aggregate,
    Callback,
    Dispute,
    NewCharge,
    NewPayment,
    NewSetup,
    Opened,
    ProviderMethod,
    Refunded,
    SetUp,
    Standing,
)

if TYPE_CHECKING:
    # A tenth of a second that no process needs to spend.
    from stripe import RequestOptions
    from stripe.params import DisputeListParams, PaymentIntentCreateParams
    from stripe.params.checkout import SessionCreateParams

# Answers are read in the shapes of this version; another may say the same things otherwise.
API_VERSION: Final = "2026-10-28.endive"
# Stripe wants an end that lies half an hour ahead at least, whenever it is asked. So its own end is a second rope, the
# same for every try of one call: at ours, whoever keeps the payment closes it.
CLOSES_BY_ITSELF_AFTER: Final = timedelta(minutes=31)
_LANGUAGES: Final = frozenset({"bg", "da", "en", "fi", "sv"})
_INTENT_TOO: Final = ["payment_intent.latest_charge"]
_SAVED_TOO: Final = ["setup_intent.payment_method"]
_CHARGE_TOO: Final = ["latest_charge"]
_LISTED_MAX: Final = 100
_HELD_MAX: Final = 1000
# Two thousand disputes: more than that at one time would be another trouble.
_DISPUTE_PAGES_MAX: Final = 20
_EMAIL_REFUSED: Final = "email_invalid"

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class CardAccount:
    """Our account at Stripe. `address` is https://api.stripe.com, or that of a twin."""

    address: str
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


class StripeCards:
    """`PaymentProvider` for cards. One instance a process; keeps no connection."""

    method: ProviderMethod = "card"

    def __init__(self, account: CardAccount, *, http: CardHttp | None = None) -> None:
        self._account = account
        self._api = stripe.StripeClient(
            account.secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": account.address},
            max_network_retries=0,
            http_client=http or CardHttp(),
        ).v1
        # By page, the intents that were just seen to be held: their capture follows at once, while a shopper waits.
        self._held: dict[str, str] = {}

    async def create(self, new: NewPayment) -> Opened:
        """The hosted page. Nobody pays by opening one: a refusal for whatever reason means that there is none."""
        try:
            session = await self._opened(_page(new), new.key)
        except _NotAllowed as refused:
            raise ProviderRefused(refused.reason) from None
        except ProviderRefused as refused:
            if refused.reason != _EMAIL_REFUSED or new.email is None:
                raise
            # It only spares the shopper the typing.
            session = await self._opened(_page(replace(new, email=None)), f"{new.key}:without-email")
        if session.url is None:
            # An answer that was kept for this key, of a page that has closed meanwhile.
            raise ProviderRefused("closed")
        return Opened(session.id, session.url)

    async def get(self, provider_ref: str) -> Aggregate:
        if provider_ref.startswith(SESSION_PREFIX):
            session = await self._session(provider_ref)
            self._remember(session)
            return of_session(session)
        return of_intent(await self._intent(provider_ref))

    async def capture(self, provider_ref: str, amount: Money, *, key: str) -> Aggregate:
        intent_id = self._held.pop(provider_ref, None) or (await self._intent_of(provider_ref)).id
        try:
            captured = await _once(
                lambda key: self._api.payment_intents.capture_async(
                    intent_id, {"amount_to_capture": amount.amount_minor, "expand": _CHARGE_TOO}, key
                ),
                key,
                Intent,
            )
        except ProviderRefused:
            # Refused because it is done already, perhaps: a key is not kept for ever.
            told = await self.get(provider_ref)
            if told.captured_minor == amount.amount_minor:
                return told
            raise
        return replace(of_intent(captured), provider_ref=provider_ref)

    async def cancel(self, provider_ref: str, *, key: str) -> Aggregate:
        """An open page is closed first; one on which somebody paid meanwhile has an authorisation to let go."""
        if provider_ref.startswith(SESSION_PREFIX):
            session = await self._session(provider_ref)
            if session.status == "open":
                session = await self._close(session, key)
            held = _held(session)
            if held is None:
                return _let_go(of_session(session))
            intent_id = held.id
        else:
            intent_id = provider_ref
        try:
            cancelled = await _once(
                lambda key: self._api.payment_intents.cancel_async(intent_id, {"expand": _CHARGE_TOO}, key),
                f"{key}:cancel",
                Intent,
            )
        except ProviderRefused:
            told = await self.get(provider_ref)
            if told.standing in {Standing.CANCELLED, Standing.EXPIRED}:
                return told
            raise
        return replace(of_intent(cancelled), provider_ref=provider_ref)

    async def refund(self, provider_ref: str, amount: Money, *, key: str) -> Refunded:
        intent = await self._intent_of(provider_ref)
        refund = await self._refunded_already(intent, key)
        if refund is None:
            names = {REFERENCE: named(intent.metadata, REFERENCE), KEY: key}
            refund = await _once(
                lambda key: self._api.refunds.create_async(
                    {"payment_intent": intent.id, "amount": amount.amount_minor, "metadata": names}, key
                ),
                key,
                Refund,
            )
        if refund.status in {"failed", "canceled"}:
            raise ProviderRefused(f"refund_{refund.status}")
        return Refunded(
            refund.id, Money(refund.amount, refund.currency.upper()), done=refund.status == "succeeded"
        )

    async def charge(self, new: NewCharge) -> Aggregate:
        try:
            customer, payment_method = parts_of_token(new.token)
        except ValueError:
            raise ProviderRefused("unknown_token") from None
        made = await self._charged_already(customer, new.reference)
        if made is not None:
            return made
        charge = _later_charge(new, customer, payment_method)
        try:
            made_now = await _once(
                lambda key: self._api.payment_intents.create_async(charge, key), new.key, Intent
            )
            return of_intent(made_now)
        except _Declined as declined:
            if declined.intent is not None:
                return _failed(of_intent(declined.intent), declined)
            made = await self._charged_already(customer, new.reference)
            if made is None:
                raise ProviderUnreachable("declined_without_intent") from None
            return _failed(made, declined)

    async def set_up(self, new: NewSetup) -> Opened:
        """The hosted page that saves a card. A refusal for whatever reason means that there is none, as in `create`."""
        page = _setup_page(new)
        try:
            session = await _once(
                lambda key: self._api.checkout.sessions.create_async(page, key), new.key, SetupPage
            )
        except _NotAllowed as refused:
            raise ProviderRefused(refused.reason) from None
        if session.url is None:
            raise ProviderRefused("closed")
        return Opened(session.id, session.url)

    async def get_setup(self, provider_ref: str) -> SetUp:
        asked = self._api.checkout.sessions.retrieve_async(provider_ref, {"expand": _SAVED_TOO})
        return of_setup(await _answer(asked, SetupPage))

    async def forget(self, token: str, *, key: str) -> None:
        """Nothing: without the token nobody can charge the card, and Stripe shows its owner no agreement that would
        have to end."""

    async def disputes(self, since: datetime) -> tuple[Dispute, ...]:
        found: list[StripeDispute] = []
        for _ in range(_DISPUTE_PAGES_MAX):
            page = await _answer(self._api.disputes.list_async(_dispute_list(since, found)), Disputes)
            found.extend(page.data)
            if not page.has_more or not page.data:
                break
        return tuple(of_dispute(each) for each in found)

    async def probe(self) -> None:
        """Asks for one row of a list that the key may read anyway."""
        try:
            await _answer(self._api.payment_intents.list_async({"limit": 1}), Intents)
        except ProviderRefused as refused:
            raise ProviderUnreachable(refused.reason) from None

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, host: str, path: str, wall: datetime
    ) -> Callback:
        """Stripe signs neither host nor path."""
        del host, path
        return read_event(headers, body, secret=self._account.webhook_secret, wall=wall)

    async def _opened(self, page: SessionCreateParams, key: str) -> Session:
        return await _once(lambda key: self._api.checkout.sessions.create_async(page, key), key, Session)

    def _remember(self, session: Session) -> None:
        held = _held(session)
        if held is None or held.status != "requires_capture":
            return
        self._held[session.id] = held.id
        while len(self._held) > _HELD_MAX:
            del self._held[next(iter(self._held))]

    async def _session(self, provider_ref: str) -> Session:
        asked = self._api.checkout.sessions.retrieve_async(provider_ref, {"expand": _INTENT_TOO})
        return await _answer(asked, Session)

    async def _intent(self, intent_id: str) -> Intent:
        asked = self._api.payment_intents.retrieve_async(intent_id, {"expand": _CHARGE_TOO})
        return await _answer(asked, Intent)

    async def _intent_of(self, provider_ref: str) -> Intent:
        """Raises ProviderRefused for a page on which nobody has paid."""
        if not provider_ref.startswith(SESSION_PREFIX):
            return await self._intent(provider_ref)
        intent = (await self._session(provider_ref)).payment_intent
        if not isinstance(intent, Intent):
            raise ProviderRefused("not_paid")
        return intent

    async def _close(self, session: Session, key: str) -> Session:
        """The page, closed, or as it is when somebody was faster."""
        try:
            return await _once(
                lambda key: self._api.checkout.sessions.expire_async(
                    session.id, {"expand": _INTENT_TOO}, key
                ),
                f"{key}:close",
                Session,
            )
        except ProviderRefused:
            again = await self._session(session.id)
            if again.status == "open":
                raise
            return again

    async def _charged_already(self, customer: str, reference: str) -> Aggregate | None:
        """The newest intents of a saved card's customer: its list, unlike Stripe's search, is never behind."""
        asked = self._api.payment_intents.list_async(
            {"customer": customer, "limit": _LISTED_MAX, "expand": ["data.latest_charge"]}
        )
        found = (await _answer(asked, Intents)).data
        return next((of_intent(each) for each in found if named(each.metadata, REFERENCE) == reference), None)

    async def _refunded_already(self, intent: Intent, key: str) -> Refund | None:
        asked = self._api.refunds.list_async({"payment_intent": intent.id, "limit": _LISTED_MAX})
        found = (await _answer(asked, Refunds)).data
        return next((each for each in found if named(each.metadata, KEY) == key), None)


class _NotAllowed(ProviderUnreachable):
    """The key does not open this door: nothing has happened, and it may open it again."""


class _Replayed(ProviderUnreachable):
    """Stripe's own failure, kept for our key: the call came to its end there, and will never have another answer."""


class _Declined(ProviderRefused):
    """The card said no, and `reason` is why, a word of `ports.FAILURES`. `intent` where Stripe told which."""

    def __init__(self, failure: str, intent: Intent | None) -> None:
        super().__init__(failure)
        self.intent = intent


async def _once(
    asked: Callable[[RequestOptions], Awaitable[stripe.StripeObject]], key: str, shape: type[Shape]
) -> Shape:
    """The answer to a change, asked for with its key. A failure that Stripe keeps for the key would be its answer for a
    day: the change is then asked for under another key, once. Nothing is done twice by that: the caller has seen just
    now that it is not done, or it is one that can be done but once."""
    try:
        return await _answer(asked({"idempotency_key": key}), shape)
    except _Replayed:
        return await _answer(asked({"idempotency_key": f"{key}:again"}), shape)


async def _answer(asked: Awaitable[stripe.StripeObject], shape: type[Shape]) -> Shape:
    """What Stripe says, in our shape of it. Raises ProviderRefused for what had no effect, ProviderUnreachable for what
    may have had one."""
    try:
        answer = (await asked).last_response
    except stripe.CardError as error:
        refusal = _refusal(error)
        raise _Declined(
            failure_of(refusal.error.code, refusal.error.decline_code), refusal.error.payment_intent
        ) from None
    except stripe.InvalidRequestError as error:
        raise ProviderRefused(error.code or "invalid_request") from None
    except (stripe.AuthenticationError, stripe.PermissionError):
        raise _NotAllowed("credentials") from None
    except stripe.IdempotencyError:
        # The key was used for another call: that one may well have had its effect.
        raise ProviderUnreachable("key_reused") from None
    except stripe.RateLimitError:
        raise ProviderUnreachable("rate_limited") from None
    except stripe.APIConnectionError as error:
        raise ProviderUnreachable(error.user_message or "unreachable") from None
    except stripe.StripeError as error:
        kept = error.headers is not None and error.headers.get(REPLAYED) == "true"
        raise (_Replayed if kept else ProviderUnreachable)(f"status_{error.http_status}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        # The package takes the shape of what it is told for granted.
        raise ProviderUnreachable("garbage") from None
    try:
        return msgspec.json.decode(str(answer.body) if answer is not None else "", type=shape)
    except (msgspec.MsgspecError, RecursionError):
        raise ProviderUnreachable("garbage") from None


def _refusal(error: stripe.CardError) -> Refusal:
    try:
        return msgspec.json.decode(error.http_body or "", type=Refusal)
    except (msgspec.MsgspecError, RecursionError):
        raise ProviderUnreachable("garbage") from None


def _page(new: NewPayment) -> SessionCreateParams:
    names = {REFERENCE: new.reference}
    page: SessionCreateParams = {
        "mode": "payment",
        # Other ways through Stripe are credit, or leave the money's fate open for days.
        "allowed_payment_method_types": ["card"],
        # Without this Stripe may offer to charge in the card's own currency.
        "adaptive_pricing": {"enabled": False},
        "submit_type": "pay",
        "locale": new.lang if new.lang in _LANGUAGES else "auto",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": new.amount.currency.lower(),
                    "unit_amount": new.amount.amount_minor,
                    "product_data": {"name": new.description},
                },
            }
        ],
        "payment_intent_data": {
            "capture_method": "manual",
            "description": new.description,
            "metadata": names,
        },
        "client_reference_id": new.reference,
        "metadata": names,
        "success_url": new.return_url,
        "cancel_url": new.cancel_url,
        "expires_at": int((new.expires_at + CLOSES_BY_ITSELF_AFTER).timestamp()),
    }
    if new.email:
        page["customer_email"] = new.email
    if new.save:
        page["customer_creation"] = "always"
        page["payment_intent_data"]["setup_future_usage"] = "off_session"
    return page


def _setup_page(new: NewSetup) -> SessionCreateParams:
    names = {REFERENCE: new.reference}
    return {
        "mode": "setup",
        "currency": new.currency.lower(),
        "allowed_payment_method_types": ["card"],
        # What is charged later is charged to somebody.
        "customer_creation": "always",
        "locale": new.lang if new.lang in _LANGUAGES else "auto",
        "setup_intent_data": {"description": new.description, "metadata": names},
        "client_reference_id": new.reference,
        "metadata": names,
        "success_url": new.return_url,
        "cancel_url": new.cancel_url,
        "expires_at": int((new.expires_at + CLOSES_BY_ITSELF_AFTER).timestamp()),
    }


def _later_charge(new: NewCharge, customer: str, payment_method: str) -> PaymentIntentCreateParams:
    return {
        "amount": new.amount.amount_minor,
        "currency": new.amount.currency.lower(),
        "customer": customer,
        "payment_method": payment_method,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "description": new.description,
        "metadata": {REFERENCE: new.reference},
        "expand": _CHARGE_TOO,
    }


def _dispute_list(since: datetime, after: Sequence[StripeDispute]) -> DisputeListParams:
    """A dispute carries nothing that we wrote beside the payment: its intent does."""
    wanted: DisputeListParams = {
        "created": {"gte": int(since.timestamp())},
        "limit": _LISTED_MAX,
        "expand": ["data.payment_intent"],
    }
    if after:
        wanted["starting_after"] = after[-1].id
    return wanted


def _held(session: Session) -> Intent | None:
    """The intent of an authorisation that stands, which is let go by its intent and not by its page."""
    intent = session.payment_intent
    if isinstance(intent, Intent) and intent.status in {"requires_capture", "succeeded"}:
        return intent
    return None


def _let_go(told: Aggregate) -> Aggregate:
    """A page that was closed is what the port calls cancelled; Stripe has one word for closed and for run out. Raises
    ProviderRefused for a payment that the card's bank still thinks about: nobody can take that back."""
    if told.standing is Standing.PENDING:
        raise ProviderRefused("still_processing")
    return replace(told, standing=Standing.CANCELLED) if told.standing is Standing.EXPIRED else told


def _failed(told: Aggregate, declined: _Declined) -> Aggregate:
    if told.standing is not Standing.FAILED:
        return told
    return replace(told, failure=declined.reason)
