"""The verbs of what a shopper may choose: a shop's fees and insurance offers, what was answered, and what was bought.

One transaction each but for those whose name says that they run in the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.extras.errors import OfferRefused
from app.extras.offering import NewOffer, checked_offer
from app.extras.queries import forget_kept_steering, insurance_of_order
from app.extras.rules import Answer, MethodFee, check_fee
from app.extras.states import MACHINE, InsuranceState
from app.kernel import audit, db, ids, outbox
from app.kernel.states import LostRace
from app.merchants.queries import Merchant, merchant_by_id
from app.payments.methods import Buyer
from app.plans.quote import Method

MAIL_JOB: Final = "insurance_mail"
_LOCK_SHOP: Final = "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE"

_FEES: Final = "SELECT buyer, method, fixed_minor, rate_points FROM method_fees WHERE merchant_id = $1"
_ADD_FEE: Final = """
INSERT INTO method_fees (merchant_id, buyer, method, fixed_minor, rate_points, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def save_fees(merchant: Merchant, wanted: Sequence[MethodFee], *, actor: str, now: datetime) -> None:
    """These and no others, from the next page on. Raises FeeRefused."""
    fees = [check_fee(fee, merchant.country) for fee in wanted]

    async def write() -> None:
        await db.fetch_value(_LOCK_SHOP, merchant.id)
        before = {
            (row["buyer"], row["method"]): [row["fixed_minor"], row["rate_points"]]
            for row in await db.fetch_all(_FEES, merchant.id)
        }
        after: dict[tuple[Buyer, Method], list[int]] = {
            (fee.buyer, fee.method): [fee.fixed_minor, fee.rate_points] for fee in fees
        }
        if before == after:
            return
        await db.execute("DELETE FROM method_fees WHERE merchant_id = $1", merchant.id)
        for fee in fees:
            await db.execute(
                _ADD_FEE, merchant.id, fee.buyer, fee.method, fee.fixed_minor, fee.rate_points, now, actor
            )
        await _note(
            merchant, "merchant.method_fees", actor, now, {"before": _told(before), "after": _told(after)}
        )

    await db.in_tx(write)
    forget_kept_steering()


def _told(fees: Mapping[tuple[Buyer, Method], list[int]]) -> dict[str, list[int]]:
    return {f"{buyer} {method}": figures for (buyer, method), figures in sorted(fees.items())}


async def _note(
    merchant: Merchant, action: str, actor: str, now: datetime, detail: Mapping[str, object]
) -> None:
    await audit.record(actor, action, merchant.public_id, merchant_id=merchant.id, at=now, detail=detail)


# --- insurance offers ---------------------------------------------------------------------------------------

OFFERS_MAX: Final = 20

_ADD_OFFER: Final = """
INSERT INTO insurance_offers (merchant_id, id, public_id, name, insurer, covers, terms_url, terms_text, currency,
                              categories, from_minor, to_minor, fixed_minor, rate_points, least_minor, most_minor,
                              cancel_days, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
_END_OFFER: Final = """
UPDATE insurance_offers SET ended_at = $3 WHERE merchant_id = $1 AND public_id = $2 AND ended_at IS NULL RETURNING id
"""
_COUNT_OFFERS: Final = "SELECT count(*) FROM insurance_offers WHERE merchant_id = $1 AND ended_at IS NULL"


async def save_offer(
    merchant: Merchant, new: NewOffer, *, replaces: str | None = None, actor: str, now: datetime
) -> str:
    """Offer an insurance from the next page on, in the place of the one that it replaces (a public id). Answers its
    public id. Raises OfferRefused."""
    offer = checked_offer(new, merchant)
    public_id = ids.public_id("ins")

    async def write() -> None:
        await db.fetch_value(_LOCK_SHOP, merchant.id)
        if replaces is not None:
            await db.fetch_value(_END_OFFER, merchant.id, replaces, now)
        if await db.fetch_value(_COUNT_OFFERS, merchant.id) >= OFFERS_MAX:
            raise OfferRefused({"name": "too_many"})
        await db.execute(
            _ADD_OFFER,
            merchant.id,
            ids.internal_id(),
            public_id,
            offer.name,
            offer.insurer,
            dict(offer.covers),
            offer.terms_url,
            offer.terms_text,
            offer.currency,
            sorted(offer.categories),
            offer.from_minor,
            offer.to_minor,
            offer.fixed_minor,
            offer.rate_points,
            offer.least_minor,
            offer.most_minor,
            offer.cancel_days,
            now,
            actor,
        )
        await _note(
            merchant, "merchant.insurance_offer", actor, now, {"offer": public_id, "replaces": replaces}
        )

    await db.in_tx(write)
    forget_kept_steering()
    return public_id


async def end_offer(merchant: Merchant, public_id: str, *, actor: str, now: datetime) -> bool:
    """Offer it no more; what was bought of it stays. False where it had ended, or never was."""

    async def write() -> bool:
        if await db.fetch_value(_END_OFFER, merchant.id, public_id, now) is None:
            return False
        await _note(merchant, "merchant.insurance_offer", actor, now, {"ended": public_id})
        return True

    ended = await db.in_tx(write)
    forget_kept_steering()
    return ended


# --- asked, bought, given up --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The question of a page and what was answered to it; the premium is what it showed, in minor units."""

    offer: str
    answer: Answer
    premium_minor: int


_ANSWER: Final = """
INSERT INTO insurance_answers (merchant_id, id, session_id, offer_id, answer, premium_minor, at)
SELECT $1, $2, $3, o.id, $5, $6, $7 FROM insurance_offers o WHERE o.merchant_id = $1 AND o.public_id = $4
"""


async def note_answer_in_tx(merchant_id: UUID, session_id: UUID, asked: Asked, now: datetime) -> None:
    """Somebody went on from the question."""
    await db.execute(
        _ANSWER,
        merchant_id,
        ids.internal_id(),
        session_id,
        asked.offer,
        asked.answer,
        asked.premium_minor,
        now,
    )


_BEGIN: Final = """
INSERT INTO insurances (merchant_id, id, public_id, order_id, offer_id, position, state, premium_minor, currency, lang,
                        taken_at, cancel_until)
SELECT $1, $2, $3, $4, o.id, $6, $7, $8, $9, $10, $11, $12::date + o.cancel_days
FROM insurance_offers o WHERE o.merchant_id = $1 AND o.public_id = $5
ON CONFLICT (merchant_id, order_id) DO NOTHING RETURNING id
"""


_INSURED: Final = """
SELECT o.id, o.currency, o.paid_at, l.position - 1 AS position, l.sku, l.total_minor
FROM orders o JOIN order_lines l ON l.merchant_id = o.merchant_id AND l.order_id = o.id AND l.version = o.version
WHERE o.merchant_id = $1 AND o.public_id = $2 AND o.paid_at IS NOT NULL AND l.origin = 'insurance'
"""


async def is_insured(merchant_id: UUID, order_public_id: str) -> bool:
    """Whether a paid order has an insurance among its lines."""
    return await db.fetch_one(_INSURED, merchant_id, order_public_id) is not None


async def begin_insurance_in_tx(merchant_id: UUID, order_public_id: str, lang: str) -> None:
    """What a paid order insures, and its own receipt by mail in the language of the purchase. Asked again it changes
    nothing."""
    order = await db.fetch_one(_INSURED, merchant_id, order_public_id)
    merchant = await merchant_by_id(merchant_id)
    if order is None or merchant is None:
        return
    insurance_id, public_id = ids.internal_id(), ids.public_id("pol")
    made = await db.fetch_value(
        _BEGIN,
        merchant_id,
        insurance_id,
        public_id,
        order["id"],
        order["sku"],
        order["position"],
        InsuranceState.ACTIVE.value,
        order["total_minor"],
        order["currency"],
        lang,
        order["paid_at"],
        merchant.local_date(order["paid_at"]),
    )
    if made is None:
        return
    await MACHINE.begin(
        merchant_id,
        insurance_id,
        state=InsuranceState.ACTIVE,
        event="insurance.taken",
        actor="shopper",
        at=order["paid_at"],
    )
    await _tell(merchant_id, public_id, order_public_id, "taken")


async def end_insurance_in_tx(
    merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime, detail: Mapping[str, object]
) -> bool:
    """It insures nothing any more, and its holder is told. False where it had ended before."""
    found = await insurance_of_order(merchant_id, order_public_id, lock=True)
    if found is None or found.state is not InsuranceState.ACTIVE:
        return False
    try:
        await MACHINE.move(
            merchant_id,
            found.id,
            expected=InsuranceState.ACTIVE,
            to=InsuranceState.CANCELLED,
            actor=actor,
            at=now,
            detail=detail,
        )
    except LostRace:
        return False
    await _tell(merchant_id, found.public_id, order_public_id, "cancelled")
    return True


async def _tell(merchant_id: UUID, public_id: str, order_public_id: str, what: str) -> None:
    await outbox.put(
        merchant_id,
        MAIL_JOB,
        {"insurance": public_id, "what": what},
        key=f"mail:insurance:{public_id}:{what}",
        about=order_public_id,
    )
