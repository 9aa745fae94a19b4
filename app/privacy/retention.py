"""What is forgotten when, on one page. Each rule deletes a batch, answers how much, and runs again while there is more.

| what | kept |
|---|---|
| personal data of sessions that came to nothing | 30 days after the end |
| an order whose link lapsed unpaid: lines, people, what was sent | gone with the link, by `expire_orders` |
| who was to buy an order that the shop cancelled, and the shop's note on it | 30 days after |
| who pays through a provider | until the payment has ended; 30 days where nobody hears of its end |
| one-time codes, with phone and postcode | 1 day |
| challenges of passkeys | 1 day |
| passkeys that were removed | 30 days; those of an erased customer go at once |
| answers under idempotency keys | 30 days |
| counters of limits and budgets | 2 days after the last hit: no window is longer than one |
| figures of the credit register behind a decision, sealed | 2 years: for whoever asks why |
| for whom a rule on orders was left out | a year after it ended |
| what a decision about risk knew: facts, and digests of phone, e-mail, address, device and network | 400 days |
| how to reach whoever asked for a person | 30 days after the answer |
| what a shopper who waited was asked, and said | 400 days |
| to whom and in which words a payment link was sent | 30 days, or as long as the link can be paid |
| a shop's customers in the address book of its tills | 2 years after they were last served |
| receipts that a till was left with | 7 days |
| what people wrote about a return | a year after it ended |
| what shoppers wrote of how it was | a year; how easy it was stays |
| the note that a refund was asked for with | a year after it was made or refused |
| what a file of orders said | 30 days; which of its rows made an order, as a digest, a year |
| what a subscription was charged with, sealed | 91 days after it ended: until then it can begin again |
| where a wallet is paid out to (account, name), sealed | until the payout has ended, by its own verb |
| browsers, and sessions of staff and of customers | their absolute life |
| remembered browsers | half a year after their last use, or as soon as they are ended |

Words that orders are found by (`order_words`) go with the contact that they were made from, by a trigger; those that
customers of a shop are found by (`profile_words`) with the customer.

The reason that staff give with points by hand is a voucher of the books and stays: the form asks for nothing personal.

The ledger, orders, histories, events and credit decisions hold no personal data, or are kept by law. So are invoices
and signed agreements, which name the buyer, and what staff wrote down of money that came, or of why they changed a
wallet: as long as vouchers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.cases import actions as cases
from app.checkout.actions import forget_ended, release_browsers
from app.credit import actions as credit
from app.identity.actions import account, browsers, codes, passkeys, remembered
from app.kernel import db, idempotency, limits
from app.kernel.jobs import Chore, Now
from app.links.bulk import actions as bulk
from app.links.sending import forget_sends
from app.merchants.actions import forget_ended_sessions
from app.orders import actions as orders
from app.payments import actions as payments
from app.returns import actions as returns
from app.risk import actions as risk
from app.risk import rule_actions as risk_rules
from app.subscriptions.actions.forgetting import forget_methods
from app.support import actions as support
from app.till import actions as till

CODES_KEPT: Final = timedelta(days=1)
CHALLENGES_KEPT: Final = timedelta(days=1)
ENDED_PASSKEYS_KEPT: Final = timedelta(days=30)
ANSWERS_KEPT: Final = timedelta(days=30)
SENDS_KEPT: Final = timedelta(days=30)
LIMITS_KEPT: Final = timedelta(days=2)
RETURN_WORDS_KEPT: Final = timedelta(days=365)
EVERY: Final = timedelta(minutes=10)
BATCH: Final = 1000
# Each holds up to ten thousand rows.
FILES_AT_ONCE: Final = 5


def seldom(chore: Chore, every: timedelta = EVERY) -> Chore:
    """The chore at most so often by business time, but again at once while it finds something to do."""
    found_nothing_at: datetime | None = None

    async def now_and_then(now: Now) -> int:
        nonlocal found_nothing_at
        last = found_nothing_at
        if last is not None and last <= now.business < last + every:
            return 0
        did = await chore(now)
        found_nothing_at = None if did else now.business
        return did

    now_and_then.__name__ = chore.__name__
    return now_and_then


async def forget_sessions(now: Now) -> int:
    return await forget_ended(now.business)


async def forget_orders(now: Now) -> int:
    return await db.in_tx(lambda: orders.forget_contacts(now.business, BATCH))


async def forget_payments(now: Now) -> int:
    before = now.business - payments.CONTACT_KEPT
    return await db.in_tx(lambda: payments.forget_contacts(before, BATCH))


async def forget_till(now: Now) -> int:
    return await db.in_tx(lambda: till.forget_old(now.business, BATCH))


async def forget_links_sent(now: Now) -> int:
    return await db.in_tx(lambda: forget_sends(now.business - SENDS_KEPT, BATCH))


async def forget_return_words(now: Now) -> int:
    before = now.business - RETURN_WORDS_KEPT
    words = await db.in_tx(lambda: returns.forget_words(before, BATCH))
    return words + await db.in_tx(lambda: returns.forget_notes(before, BATCH))


async def forget_feedback(now: Now) -> int:
    before = now.business - support.WORDS_KEPT
    return await db.in_tx(lambda: support.forget_words(before, BATCH))


async def forget_imports(now: Now) -> int:
    files = await db.in_tx(lambda: bulk.forget_imports(now.business, FILES_AT_ONCE))
    return files + await db.in_tx(lambda: bulk.forget_keys(now.business - bulk.KEYS_KEPT, BATCH))


async def forget_codes(now: Now) -> int:
    return await db.in_tx(lambda: codes.forget_older_than(now.business - CODES_KEPT, BATCH))


async def forget_challenges(now: Now) -> int:
    return await db.in_tx(lambda: passkeys.forget_challenges(now.wall - CHALLENGES_KEPT, BATCH))


async def forget_passkeys(now: Now) -> int:
    return await db.in_tx(lambda: passkeys.forget_passkeys(now.business - ENDED_PASSKEYS_KEPT, BATCH))


async def forget_answers(now: Now) -> int:
    return await db.in_tx(lambda: idempotency.forget_older_than(now.business - ANSWERS_KEPT, BATCH))


async def forget_limits(now: Now) -> int:
    # Some limits count business time and some wall time; the sandbox alone tells them apart.
    oldest = min(now.business, now.wall) - LIMITS_KEPT
    budgets = await db.in_tx(lambda: limits.forget_budgets(oldest, BATCH))
    return budgets + await db.in_tx(lambda: limits.forget_older_than(oldest, BATCH))


async def forget_browsers(now: Now) -> int:
    released = await release_browsers(now.wall)
    handed = await db.in_tx(lambda: browsers.forget_handovers(now.wall, BATCH))
    over = await db.in_tx(lambda: remembered.forget_ended(now.wall, BATCH))
    return released + handed + over + await db.in_tx(lambda: browsers.forget_expired(now.wall, BATCH))


async def forget_credit_facts(now: Now) -> int:
    return await db.in_tx(lambda: credit.forget_facts(now.business - credit.FACTS_KEPT, BATCH))


async def forget_left_out(now: Now) -> int:
    return await db.in_tx(lambda: risk_rules.forget_snoozes(now.business - risk_rules.SNOOZES_KEPT, BATCH))


async def forget_risk_facts(now: Now) -> int:
    return await db.in_tx(lambda: risk.forget_facts(now.business - risk.KEPT, BATCH))


async def forget_cases(now: Now) -> int:
    said = await db.in_tx(lambda: cases.forget_questions(now.business, BATCH))
    return said + await db.in_tx(lambda: cases.forget_reach(now.business, BATCH))


async def forget_subscribed(now: Now) -> int:
    return await db.in_tx(lambda: forget_methods(now.business, BATCH))


async def forget_staff_sessions(now: Now) -> int:
    return await db.in_tx(lambda: forget_ended_sessions(now.wall, BATCH))


async def forget_customer_sessions(now: Now) -> int:
    return await db.in_tx(lambda: account.forget_expired(now.wall, BATCH))


def rules() -> Sequence[Chore]:
    """Every rule, for a worker to run among its chores. One set a worker: each remembers when it last looked."""
    every = (
        forget_sessions,
        forget_orders,
        forget_payments,
        forget_links_sent,
        forget_till,
        forget_return_words,
        forget_imports,
        forget_codes,
        forget_challenges,
        forget_passkeys,
        forget_answers,
        forget_limits,
        forget_browsers,
        forget_credit_facts,
        forget_risk_facts,
        forget_left_out,
        forget_cases,
        forget_staff_sessions,
        forget_customer_sessions,
        forget_subscribed,
        forget_feedback,
    )
    return tuple(seldom(rule) for rule in every)
