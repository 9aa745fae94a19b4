"""The verbs of the product that move money or points: purchases with the wallet, refunds, rewards, staff's changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.checkout import actions as checkout
from app.checkout import shown
from app.checkout.actions import Details
from app.identity.actions.browsers import BrowserToken
from app.invoices.credits import EVERYTHING, Wanted
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.loyalty import actions as loyalty
from app.merchants.queries import Merchant, merchant_by_id
from app.payments.rules import Received
from app.returns import actions as returns
from app.returns.actions import NewRefund
from app.returns.errors import RefundDecided
from app.returns.queries import waiting_refunds
from app.returns.rules import Conditions, Destination
from app.rewards import actions as rewards
from app.rewards.actions import Refund
from app.wallet import actions as wallet
from app.wallet.actions import Adjustment, NewPayout, Staff
from app.wallet.approvals import waiting_approvals
from app.wallet.rules import WalletCause
from tests.factories.checkout import Shopper, a_session, an_identity
from tests.factories.invoices import drawn
from tests.factories.orders import an_open_order
from tests.factories.returns import OTHER_STAFF, STAFF
from tests.factories.wallets import a_customer, given
from tests.factories.wallets_in_flow import pay_part_from_wallet
from tests.faults.ledger_moves import LEDGER_MOVES
from tests.faults.moves import Args, Move, counted, merchant_id, transfers

IN_WALLET_MINOR: Final = 5_000
PART_MINOR: Final = 3_000
POINTS: Final = 300
A_YEAR: Final = timedelta(days=366)


async def _merchant(args: Args) -> Merchant:
    found = await merchant_by_id(merchant_id(args))
    assert found is not None
    return found


def _eur(amount_minor: int) -> Money:
    return Money(amount_minor, "EUR")


async def _person(merchant: Merchant, person: int) -> Args:
    """A customer of the shop with money in the wallet; the key is of a move to come."""
    customer = await a_customer(merchant, f"Person {person}", f"+3584800{person:05d}")
    await given(merchant, customer, IN_WALLET_MINOR)
    return {"merchant": str(merchant.id), "customer": customer, "key": f"move:{customer}"}


# --- a purchase ---------------------------------------------------------------------------------------------


async def identified(
    merchant: Merchant, person: int, email: str = "aino@example.test"
) -> tuple[Args, Shopper]:
    """Somebody with money in the wallet, identified on a session of theirs."""
    args = await _person(merchant, person)
    shopper = Shopper.at(await a_session(merchant, email=email))
    await shopper.choose()
    await shopper.return_from_bank(an_identity(subject=f"person-{person}", name=f"Person {person}"))
    order = (await shopper.flow()).order_public_id
    return {**args, "session": shopper.session, "order": order}, shopper


def _as_told(args: Args, shopper: Shopper) -> Args:
    return {**args, "token": shopper.browser.token, "key": f"wallet:{args['order']}"}


def shopper_of(args: Args) -> Shopper:
    """Whoever is on that session, in the browser of before."""
    return Shopper(args["session"], BrowserToken(args["token"], clock.wall(), fresh=False))


async def _at_the_choice(merchant: Merchant, person: int) -> Args:
    return _as_told(*await identified(merchant, person))


async def at_confirm(merchant: Merchant, person: int, email: str = "aino@example.test") -> Args:
    """Somebody on step 3, whose wallet pays a part."""
    args, shopper = await identified(merchant, person, email)
    await pay_part_from_wallet(shopper, PART_MINOR)
    await shopper.be_decided()
    return {**_as_told(args, shopper), "shown": shown.sign(await shopper.flow())}


async def _choose(args: Args) -> None:
    await pay_part_from_wallet(shopper_of(args), PART_MINOR)


async def _confirm(args: Args) -> None:
    await checkout.confirm(args["session"], shopper_of(args).browser, args["shown"], Details())


async def _cancel(args: Args) -> None:
    now = await clock.business_now()
    await checkout.cancel_session(merchant_id(args), args["session"], actor="shopper", now=now)


_set_aside = counted(
    "SELECT count(*) FROM holds WHERE merchant_id = $1 AND about = $2 AND state = 'pending'", "order"
)
_let_go = counted(
    "SELECT count(*) FROM holds WHERE merchant_id = $1 AND about = $2 AND state = 'released'", "order"
)


# --- refunds ------------------------------------------------------------------------------------------------


async def _bought(merchant: Merchant, person: int) -> Args:
    """Paid with the wallet for a part, invoiced, points earned."""
    args = await at_confirm(merchant, person)
    await _confirm(args)
    await drawn(merchant, args["order"])
    await _earn(args)
    return args


async def _bought_not_earned(merchant: Merchant, person: int) -> Args:
    args = await at_confirm(merchant, person)
    await _confirm(args)
    return {**args, "key": f"earn:{args['order']}"}


async def _earn(args: Args) -> None:
    merchant, now = await _merchant(args), await clock.business_now()
    await db.in_tx(lambda: rewards.earn(merchant, args["order"], now=now))


async def _bought_and_refunded(merchant: Merchant, person: int) -> Args:
    args = await _bought(merchant, person)
    await _refund(args, "original", 6_450)
    return {**args, "key": f"claw_back:rf_{args['order']}"}


async def _take_back(args: Args) -> None:
    now = await clock.business_now()
    told = Refund(args["order"], f"rf_{args['order']}", 6_450)
    await db.in_tx(lambda: rewards.take_back(merchant_id(args), told, now=now))


async def _refund(args: Args, to: Destination, wanted: Wanted) -> None:
    merchant, now = await _merchant(args), await clock.business_now()
    new = NewRefund(wanted, 12_900, to, STAFF, "the-first")
    await db.in_tx(lambda: returns.refund(merchant, args["order"], new, now))


async def _refund_whole(args: Args) -> None:
    await _refund(args, "original", EVERYTHING)


async def _refund_part(args: Args) -> None:
    await _refund(args, "original", 4_000)


async def _refund_to_wallet(args: Args) -> None:
    await _refund(args, "wallet", 4_000)


_refunds = counted(
    """SELECT count(*) FROM refunds r JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
       WHERE r.merchant_id = $1 AND o.public_id = $2 AND r.state = 'done'""",
    "order",
)


async def _asked_for_two(merchant: Merchant, person: int) -> Args:
    """A refund above the shop's limit, which waits for a second person."""
    args = await _bought(merchant, person)
    await _limit(merchant, 1_000)
    await _refund_part(args)
    await _limit(merchant, None)
    waiting = [each for each in await waiting_refunds(merchant.id) if each.order_public_id == args["order"]]
    return {**args, "refund": waiting[0].public_id}


async def _limit(merchant: Merchant, approval_above_minor: int | None) -> None:
    now = await clock.business_now()
    wanted = Conditions(14, approval_above_minor=approval_above_minor)
    await returns.save_conditions(merchant, wanted, actor=STAFF, now=now)


async def _approve(args: Args) -> None:
    merchant, now = await _merchant(args), await clock.business_now()
    with suppress(RefundDecided):
        await db.in_tx(lambda: returns.approve(merchant, args["refund"], actor=OTHER_STAFF, now=now))


# --- money that came another way ----------------------------------------------------------------------------


async def _open_order(merchant: Merchant, _person: int) -> Args:
    order = await an_open_order(merchant)
    key = f"recorded:{order.public_id}"
    return {
        "merchant": str(merchant.id),
        "order": order.public_id,
        "key": key,
        "minor": str(order.total_minor),
    }


async def _paid_already(merchant: Merchant, person: int) -> Args:
    args = await _open_order(merchant, person)
    await _record(args)
    return {**args, "key": f"{args['key']}, again"}


async def _record(args: Args) -> None:
    merchant, now = await _merchant(args), await clock.business_now()
    money = Received(_eur(int(args["minor"])), "bank", merchant.local_date(now), STAFF, args["key"])
    await checkout.record_payment(merchant, args["order"], money, now)


_recorded = counted("SELECT count(*) FROM recorded_payments WHERE merchant_id = $1 AND key = $2", "key")


# --- points, and what staff do ------------------------------------------------------------------------------


async def _with_points(merchant: Merchant, person: int) -> Args:
    args = await _person(merchant, person)
    now = await clock.business_now()
    gift = loyalty.Adjustment(ids.internal_id(), POINTS, "a gift")
    await loyalty.adjust(merchant, args["customer"], gift, actor=STAFF, now=now)
    return {**args, "id": str(ids.internal_id())}


async def _turn(args: Args) -> None:
    now = await clock.business_now()
    await rewards.turn_into_money(await _merchant(args), args["customer"], POINTS, key=args["key"], now=now)


async def _adjust_points(args: Args) -> None:
    now = await clock.business_now()
    less = loyalty.Adjustment(UUID(args["id"]), -POINTS, "a mistake")
    await loyalty.adjust(await _merchant(args), args["customer"], less, actor=STAFF, now=now)


async def _adjust_wallet(args: Args) -> None:
    await wallet.adjust(
        await _merchant(args),
        args["customer"],
        Adjustment(_eur(-PART_MINOR), WalletCause.MISTAKE, "a mistake"),
        by=Staff("st_first", "owner"),
        seen_minor=IN_WALLET_MINOR,
        key=args["key"],
        now=await clock.business_now(),
    )


async def _ask_for_payout(args: Args) -> str:
    payout = NewPayout(_eur(PART_MINOR), "FI2112345600000785", "Aino Virta")
    now = await clock.business_now()
    return await wallet.request_payout(
        await _merchant(args), args["customer"], payout, actor=STAFF, key=args["key"], now=now
    )


async def _with_payout(merchant: Merchant, person: int) -> Args:
    args = await _person(merchant, person)
    payout = await _ask_for_payout(args)
    return {**args, "payout": payout, "key": f"payout:{payout}"}


async def _with_change_for_two(merchant: Merchant, person: int) -> Args:
    """A change of a wallet above the shop's limit, which waits for a second person."""
    args = await _person(merchant, person)
    await _limit(merchant, PART_MINOR - 1)
    await _adjust_wallet(args)
    await _limit(merchant, None)
    [change] = [each for each in await waiting_approvals(merchant.id) if each.customer_id == args["customer"]]
    return {**args, "change": change.public_id, "key": f"adjustment:{change.public_id}"}


async def _approve_change(args: Args) -> None:
    by, now = Staff("st_second", "owner"), await clock.business_now()
    await wallet.approve_adjustment(
        await _merchant(args), args["change"], by=by, seen_minor=IN_WALLET_MINOR, now=now
    )


async def _with_payout_for_two(merchant: Merchant, person: int) -> Args:
    args = await _person(merchant, person)
    await _limit(merchant, PART_MINOR - 1)
    payout = await _ask_for_payout(args)
    await _limit(merchant, None)
    return {**args, "payout": payout}


async def _approve_payout(args: Args) -> None:
    by, now = Staff("st_second", "owner"), await clock.business_now()
    await wallet.approve_payout(await _merchant(args), args["payout"], by=by, now=now)


async def _pay_out(args: Args) -> None:
    now = await clock.business_now()
    await wallet.mark_paid(await _merchant(args), args["payout"], actor=STAFF, now=now)


async def _with_gift(merchant: Merchant, person: int) -> Args:
    args = await _person(merchant, person)
    about, lapses_at = ids.public_id("adj"), await clock.business_now() + A_YEAR
    # What earlier moves left behind lapses now: a move is the same statements each time.
    await wallet.lapse_due(lapses_at + A_YEAR / 12, 1_000)
    await given(
        merchant, args["customer"], PART_MINOR, cause=WalletCause.GIFT, about=about, expires_at=lapses_at
    )
    return {**args, "about": about, "later": (lapses_at + A_YEAR / 12).isoformat()}


async def _lapse(args: Args) -> None:
    await wallet.lapse_due(datetime.fromisoformat(args["later"]), 1_000)


async def _cancel_payout(args: Args) -> None:
    now = await clock.business_now()
    await wallet.cancel_payout(await _merchant(args), args["payout"], actor=STAFF, now=now)


_turns = counted("SELECT count(*) FROM loyalty_turns WHERE merchant_id = $1 AND key = $2", "key")
_point_changes = counted(
    "SELECT count(*) FROM loyalty_adjustments WHERE merchant_id = $1 AND id::text = $2", "id"
)
_wallet_changes = counted(
    "SELECT count(*) FROM wallet_adjustments WHERE merchant_id = $1 AND key = $2", "key"
)
_payouts = counted("SELECT count(*) FROM wallet_payouts WHERE merchant_id = $1 AND key = $2", "key")

_given_up = counted(
    "SELECT count(*) FROM wallet_payouts WHERE merchant_id = $1 AND public_id = $2 AND state = 'cancelled'",
    "payout",
)
_approved = counted(
    "SELECT count(*) FROM wallet_payouts WHERE merchant_id = $1 AND public_id = $2 AND state = 'requested'",
    "payout",
)
_lapsed = counted(
    "SELECT count(*) FROM transfers WHERE merchant_id = $1 AND about = $2 AND cause = 'lapse'", "about"
)

PRODUCT_MOVES: Final[Mapping[str, Move]] = {
    **LEDGER_MOVES,
    "set a part aside in the wallet": Move(_at_the_choice, _choose, _set_aside),
    "buy with a part from the wallet": Move(at_confirm, _confirm, transfers),
    "cancel, and let go of the part": Move(at_confirm, _cancel, _let_go),
    "earn points": Move(_bought_not_earned, _earn, transfers),
    "take points back": Move(_bought_and_refunded, _take_back, transfers),
    "refund whole, the way it came": Move(_bought, _refund_whole, _refunds),
    "refund in part, the way it came": Move(_bought, _refund_part, _refunds),
    "refund to the wallet": Move(_bought, _refund_to_wallet, _refunds),
    "a second person's yes to a refund": Move(_asked_for_two, _approve, _refunds),
    "record money for an open order": Move(_open_order, _record, _recorded),
    "record money that comes too late": Move(_paid_already, _record, _recorded),
    "turn points into money": Move(_with_points, _turn, _turns),
    "take points by hand": Move(_with_points, _adjust_points, _point_changes),
    "change a wallet by hand": Move(_person, _adjust_wallet, _wallet_changes),
    "a second person's yes to a change of a wallet": Move(_with_change_for_two, _approve_change, transfers),
    "a second person's yes to a payout": Move(_with_payout_for_two, _approve_payout, _approved),
    "ask for a payout": Move(_person, _ask_for_payout, _payouts),
    "pay out": Move(_with_payout, _pay_out, transfers),
    "give up a payout": Move(_with_payout, _cancel_payout, _given_up),
    "money lapses": Move(_with_gift, _lapse, _lapsed),
}
