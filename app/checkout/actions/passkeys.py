"""Step 2 by passkey, and the passkeys of whoever is identified here: saved after a purchase, seen, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.checkout.actions.binding import bind, given_here, this_browser
from app.checkout.actions.identifying import phone_changed_hands
from app.checkout.errors import StepNotReached
from app.checkout.flow_parts import Customer
from app.checkout.policy import may_save_passkey
from app.checkout.queries import Flow
from app.identity.actions import browsers, customers, passkeys
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.passkeys import Place
from app.identity.errors import PasskeyRefused
from app.identity.passkeys import Options, RelyingParty, read_saving, read_use
from app.kernel import db, ids


async def ask_for_passkey(flow: Flow, browser: BrowserToken, party: RelyingParty, wall: datetime) -> Options:
    """What the browser asks its device for, bound to this browser, this session and what is approved. Raises
    LimitReached, StepNotReached."""

    async def ask() -> Options:
        place = Place(await this_browser(browser, wall), flow.public_id)
        return await passkeys.ask_use(place, flow.approval, party, wall=wall)

    return await db.in_tx(ask)


async def identify_by_passkey(
    flow: Flow, answer_text: str, browser: BrowserToken, party: RelyingParty, wall: datetime
) -> str:
    """The device proves who this is. A phone that a code has proved in this browser becomes theirs.

    Answers the browser's new secret. Whatever the answer is worth, its challenge is spent. Raises PasskeyRefused,
    SessionEnded.
    """
    answer = read_use(answer_text)
    if flow.browser_id is None:
        raise PasskeyRefused("stale")
    place, token = Place(flow.browser_id, flow.public_id), ids.token()

    async def identify() -> str | None:
        holder = await _hold(flow, place.browser_id, browser)
        used = await passkeys.use(answer, place, flow.approval, party, now=flow.now, wall=wall)
        if used.customer_id is None:
            return used.reason
        reason = await _stranger(flow, holder, used.customer_id)
        if reason is None:
            await _identified(flow, used.customer_id, place.browser_id, token, wall)
        return reason

    async def landed() -> str | None:
        # None would run it again, against a challenge that is spent.
        return "" if await browsers.is_known(token) else None

    refused = await db.in_tx(identify, landed=landed)
    if refused:
        raise PasskeyRefused(refused)
    return token


async def _hold(flow: Flow, browser_id: UUID, browser: BrowserToken) -> UUID | None:
    """Browser, then session, as every verb of step 2 takes them; then the rest. Answers whose the session is by now."""
    if not await browsers.hold(browser_id, browser):
        # Another tab of this browser was faster, and the secret that it got is the one that counts.
        raise PasskeyRefused("stale")
    holder = await db.fetch_value(
        "SELECT customer_id FROM checkout_sessions WHERE merchant_id = $1 AND id = $2 FOR UPDATE",
        flow.merchant.id,
        flow.session_id,
    )
    assert holder is None or isinstance(holder, UUID)
    return holder


# A merchant who is its own creditor recognises its own customers alone.
_KNOWN_HERE: Final = "SELECT true FROM profiles WHERE merchant_id = $1 AND customer_id = $2"


async def _stranger(flow: Flow, holder: UUID | None, customer_id: UUID) -> str | None:
    """Why this customer, though proved, is not who goes on here; None when they are."""
    if holder not in {None, customer_id}:
        return "other_person"
    if flow.merchant.creditor == "merchant" and not await db.fetch_value(
        _KNOWN_HERE, flow.merchant.id, customer_id
    ):
        return "stranger_here"
    return None


async def _identified(flow: Flow, customer_id: UUID, browser_id: UUID, token: str, wall: datetime) -> None:
    given = given_here(flow)
    if flow.phone_proved_here and given.phone is not None and given.postcode is not None:
        before = await customers.holder_of(given.phone)
        await customers.prove_phone(customer_id, given.phone, given.postcode, flow.now)
        if before is not None and before.id != customer_id:
            await phone_changed_hands(before, flow, wall)
    await bind(flow, customer_id, browser_id, "passkey", given, token)


async def ask_to_save(flow: Flow, party: RelyingParty, wall: datetime) -> Options:
    """What the browser asks its device to keep for the person who is identified here. Raises StepNotReached when nobody
    is, or not strongly, or too long ago; LimitReached; PasskeyRefused("too_many")."""
    customer, place = _saver(flow)
    return await db.in_tx(lambda: passkeys.ask_save(place, customer.id, customer.name, party, wall=wall))


async def save_passkey(
    flow: Flow, answer_text: str, party: RelyingParty, *, user_agent: str, wall: datetime
) -> None:
    """Keep the passkey that the device has made. Raises PasskeyRefused, StepNotReached as above."""
    customer, place = _saver(flow)
    answer = read_saving(answer_text)

    async def save() -> str | None:
        return await passkeys.keep(
            answer, place, customer.id, party, user_agent=user_agent, now=flow.now, wall=wall
        )

    async def landed() -> str | None:
        return "" if await passkeys.is_saved(answer.credential.raw_id, customer.id) else None

    refused = await db.in_tx(save, landed=landed)
    if refused:
        raise PasskeyRefused(refused)


def _saver(flow: Flow) -> tuple[Customer, Place]:
    if not may_save_passkey(flow) or flow.customer is None or flow.browser_id is None:
        raise StepNotReached
    return flow.customer, Place(flow.browser_id, flow.public_id)


async def remove_passkey(flow: Flow, public_id: str) -> None:
    """Any way to identify is good enough to take rights away. Raises PasskeyUnknown, StepNotReached."""
    customer = flow.customer
    if customer is None or not flow.identified:
        raise StepNotReached
    customer_id = customer.id
    await db.in_tx(lambda: passkeys.remove(public_id, customer_id, "customer", now=flow.now))
