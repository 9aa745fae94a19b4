"""Step 2: who is paying, by a code on a known phone or by a bank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.checkout.actions.binding import Given, bind, given_here, this_browser
from app.checkout.actions.naming import hold_company
from app.checkout.errors import OtherPerson, SessionEnded, StepNotReached
from app.checkout.flow_parts import Challenge
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.credit.queries import creditors_of
from app.identity.actions import browsers, codes, customers, remembered
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.codes import Issued, Recipient, Tried
from app.identity.actions.companies import customer_of_company
from app.identity.actions.customers import Holder, KnownContact
from app.identity.ports import VerifiedIdentity
from app.identity.rules import CODE_LIFE, CODE_TRIES, SmsBudget
from app.kernel import audit, db, ids

DEFAULT_BUDGET: Final = SmsBudget()

Outcome = Literal["identified", "needs_bank", "other_person", "wrong", "spent", "changed", "expired"]


@dataclass(frozen=True, slots=True)
class Identification:
    """How a try to identify ended. `token` is the browser's new secret once its rights have grown, `known` the one by
    which it is remembered, if it asked for that. `flow` is the flow as it is now; None where it has to be read again.
    """

    outcome: Outcome
    tries_left: int = 0
    token: str | None = None
    known: str | None = None
    flow: Flow | None = None

    def __repr__(self) -> str:
        return f"Identification({self.outcome})"


# What an identified person gave stays theirs, whoever asks for a code in another browser afterwards.
_ASK: Final = """
UPDATE checkout_sessions
SET phone = CASE WHEN customer_id IS NULL THEN $3 ELSE phone END,
    postcode = CASE WHEN customer_id IS NULL THEN $4 ELSE postcode END,
    phone_proved_at = NULL, browser_id = coalesce(browser_id, $5)
WHERE merchant_id = $1 AND id = $2 AND state = $6 AND expires_at > $7 RETURNING browser_id
"""


async def request_code(
    flow: Flow,
    phone: str,
    postcode: str,
    browser: BrowserToken,
    *,
    address: str,
    wall: datetime,
    budget: SmsBudget = DEFAULT_BUDGET,
    remember: bool = False,
) -> tuple[Issued, Flow]:
    """Make a code for a phone (E.164) and bind it to this browser, this session and what is approved.

    Answers the code, which the caller sends now, and the flow as it is now. Known and unknown phones take the same
    path. Raises LimitReached, SessionEnded.
    """

    issued = codes.new()

    async def ask() -> Flow:
        browser_id = await this_browser(browser, wall)
        bound_id = await db.fetch_value(
            _ASK,
            flow.merchant.id,
            flow.session_id,
            phone,
            postcode,
            browser_id,
            SessionState.OPEN.value,
            flow.now,
        )
        if bound_id is None:
            raise SessionEnded
        await codes.issue(
            issued,
            flow.approval,
            Recipient(browser_id, address, phone, flow.country, postcode, remember),
            now=flow.now,
            wall=wall,
            budget=budget,
        )
        return _asked(flow, phone, postcode, browser_id, bound_id, remember=remember)

    async def landed() -> Flow | None:
        # Without this a second run would meet the limit that the first one took, and the code would never be sent.
        browser_id = await codes.browser_of(issued)
        return (
            _asked(flow, phone, postcode, browser_id, flow.bound_browser_id or browser_id, remember=remember)
            if browser_id
            else None
        )

    return issued, await db.in_tx(ask, landed=landed)


def _asked(
    flow: Flow, phone: str, postcode: str, browser_id: UUID, bound_id: UUID, *, remember: bool
) -> Flow:
    challenge = Challenge(
        phone=phone,
        postcode=postcode,
        state=codes.ChallengeState.SENDING,
        tries_left=CODE_TRIES,
        created_at=flow.now,
        expires_at=flow.now + CODE_LIFE,
        remember=remember,
        approval_digest=flow.approval.digest(),
    )
    return replace(
        flow, phone_proved_at=None, browser_id=browser_id, bound_browser_id=bound_id, challenge=challenge
    )


async def code_never_left(flow: Flow, issued: Issued, phone: str, postcode: str, *, address: str) -> None:
    """The gateway refused the message of `request_code`: nothing was sent, and nothing counts. One transaction."""
    if flow.browser_id is not None:
        to = Recipient(flow.browser_id, address, phone, flow.country, postcode)
        await codes.never_left(issued, flow.approval, to, asked_at=flow.now)


async def identify_by_code(
    flow: Flow, typed: str, *, code_is_enough: bool, address: str, wall: datetime
) -> Identification:
    """Try a code. A right one on the phone of a customer with a verified identity and a matching postcode
    identifies, where a code is enough for this sum and merchant; otherwise the bank is needed once. The code of
    somebody else than the one who is identified already, in another browser, is spent and changes nothing.

    The count of tries stands whatever comes of it; one whose COMMIT was lost may count twice. Raises SessionEnded, and
    LimitReached while too many wrong codes come in.
    """
    token = ids.token()

    async def identify() -> Identification:
        return await _identify_by_code(
            flow, typed, token, code_is_enough=code_is_enough, address=address, wall=wall
        )

    return await db.in_tx(identify, landed=lambda: _landed(flow, token))


_LANDED: Final = """
SELECT EXISTS (SELECT FROM browsers WHERE token_digest = $3) AS identified, s.phone_proved_at = $4 AS proved
FROM checkout_sessions s WHERE s.merchant_id = $1 AND s.id = $2
"""


async def _landed(flow: Flow, token: str) -> Identification | None:
    """What a try came to whose COMMIT landed though its answer was lost: the code is spent, so it cannot run again."""
    row = await db.fetch_one(_LANDED, flow.merchant.id, flow.session_id, ids.digest(token), flow.now)
    if row is not None and row["identified"]:
        return Identification("identified", token=token)
    return Identification("needs_bank") if row is not None and row["proved"] else None


_NOT_RIGHT: Final[dict[str, Outcome]] = {"spent": "spent", "changed": "changed", "expired": "expired"}

# Browser, session, code: every verb of step 2 takes them in this order, so that a code that is typed while another one
# is asked for waits at the door and holds nothing that the other needs. Answers whose the session is by now.
_HOLD: Final = """
WITH b AS MATERIALIZED (SELECT id FROM browsers WHERE id = $3 FOR UPDATE)
SELECT s.customer_id FROM checkout_sessions s LEFT JOIN b ON true WHERE s.merchant_id = $1 AND s.id = $2
FOR UPDATE OF s
"""


async def _identify_by_code(
    flow: Flow, typed: str, token: str, *, code_is_enough: bool, address: str, wall: datetime
) -> Identification:
    holder = await db.fetch_value(_HOLD, flow.merchant.id, flow.session_id, flow.browser_id)
    tried = await codes.try_code(
        typed, flow.approval, browser_id=flow.browser_id, address=address, now=flow.now, wall=wall
    )
    if tried.outcome == "wrong":
        return Identification("wrong", tried.tries_left)
    if tried.outcome != "right":
        return Identification(_NOT_RIGHT[tried.outcome])
    if flow.owed_by_company:
        return await _identify_company(flow, tried, holder, token)
    # A merchant that is its own creditor has its own customers: it learns of nobody else's.
    only_at = flow.merchant.id if flow.merchant.creditor == "merchant" else None
    known = await customers.recognise(tried.phone, tried.postcode, only_at) if code_is_enough else None
    if flow.browser_id is not None and known is None and _person_said_who(flow, tried.phone):
        assert flow.customer is not None, "a person said who it is"
        given = Given(flow.phone, flow.postcode)
        bound = await bind(flow, flow.customer.id, flow.browser_id, "person", given, token)
        return Identification("identified", token=token, flow=bound)
    if known is None or flow.browser_id is None:
        await db.execute(
            "UPDATE checkout_sessions SET phone_proved_at = $3 WHERE merchant_id = $1 AND id = $2",
            flow.merchant.id,
            flow.session_id,
            flow.now,
        )
        return Identification("needs_bank")
    if holder not in {None, known}:
        return Identification("other_person")
    given = Given(tried.phone, tried.postcode)
    bound = await bind(flow, known, flow.browser_id, "code", given, token)
    kept = await remembered.keep(known, flow.remembered, wall=wall) if tried.remember else None
    return Identification("identified", token=token, known=kept, flow=bound)


async def _identify_company(flow: Flow, tried: Tried, holder: UUID | None, token: str) -> Identification:
    """The contact person of a company has proved a phone. Whoever comes from another browser has to prove the same
    one: a company's number is no secret."""
    # In another tab another company may have been named since this page was opened.
    company = await hold_company(flow)
    if flow.browser_id is None or company is None:
        raise StepNotReached
    if holder is not None and not flow.ours and tried.phone != flow.phone:
        return Identification("other_person")
    merchant = flow.merchant
    customer_id = await customer_of_company(
        merchant.id, company.number, company.name, merchant.country, flow.now
    )
    given = Given(tried.phone, tried.postcode)
    named = replace(flow, company=company)
    bound = await bind(named, customer_id, flow.browser_id, "company", given, token)
    return Identification("identified", token=token, flow=bound)


def _person_said_who(flow: Flow, phone: str) -> bool:
    """The answer of a person goes to a phone, and is often read on it: the same phone, proved again, goes on with this
    very purchase in another browser."""
    return flow.customer is not None and flow.identified_by == "person" and flow.phone == phone


async def forget_browser(flow: Flow, wall: datetime) -> None:
    """This browser is not to be remembered any more: somebody else sits at it. One transaction."""
    found = flow.remembered
    if found is not None:
        await db.in_tx(lambda: remembered.end(found.id, wall=wall))


async def identify_by_bank(
    flow: Flow, identity: VerifiedIdentity, browser: BrowserToken, wall: datetime
) -> Identification:
    """A provider vouches for who this is. A phone that a code has proved in this browser becomes theirs; one that was
    only typed here, or passed by the shop to this browser, is theirs to confirm with the purchase.

    Raises SessionEnded, or OtherPerson when the session is somebody else's already (in another browser).
    """

    token = ids.token()

    async def identify() -> Identification:
        browser_id = await this_browser(browser, wall)
        holder = await db.fetch_value(_HOLD, flow.merchant.id, flow.session_id, browser_id)
        given = given_here(flow)
        contact = KnownContact(flow.country)
        before: Holder | None = None
        if flow.phone_proved_here and given.phone is not None:
            contact = KnownContact(flow.country, given.postcode, given.phone)
            before = await customers.holder_of(given.phone)
        customer_id = await customers.remember_identity(identity, contact, flow.now)
        if before is not None and before.id != customer_id:
            await phone_changed_hands(before, flow, wall)
        if holder not in {None, customer_id}:
            raise OtherPerson
        bound = await bind(flow, customer_id, browser_id, "bank", given, token)
        typed = flow.challenge
        wanted = typed is not None and typed.remember and flow.phone_proved_here
        kept = await remembered.keep(customer_id, flow.remembered, wall=wall) if wanted else None
        return Identification("identified", token=token, known=kept, flow=bound)

    async def landed() -> Identification | None:
        # A second run would come with the secret from before, and find a browser that has another one by now.
        return Identification("identified", token=token) if await browsers.is_known(token) else None

    return await db.in_tx(identify, landed=landed)


async def phone_changed_hands(before: Holder, flow: Flow, wall: datetime) -> None:
    """A number is somebody else's now, whichever way they were identified. No browser knows the one before by it any
    more, and where they owe something staff read that reminders to this number would reach a stranger. In a
    transaction."""
    await remembered.end_all(before.id, wall=wall)
    for merchant_id in await creditors_of(before.id):
        await audit.record(
            "system",
            "customer.phone_changed_hands",
            before.public_id,
            merchant_id=merchant_id,
            at=flow.now,
            detail={"owes": True, "session": flow.public_id},
        )
