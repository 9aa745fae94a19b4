"""A shop, a person, a session, and each step of a purchase, as a test would say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from app.checkout import actions, shown
from app.checkout.actions import Details
from app.checkout.drafts import ContactDraft, SessionDraft
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.credit.ports import RegisterAnswer
from app.credit.rules import Facts
from app.identity.actions import browsers, customers
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.customers import KnownContact
from app.identity.ports import VerifiedIdentity
from app.kernel import clock, db
from app.merchants.actions import NewMerchant, create_merchant
from app.merchants.queries import Creditor, Merchant
from app.orders.rules import Line
from app.plans.actions import create_plan
from app.plans.queries import plans_of
from app.plans.quote import Plan, Quote, make_quote

PHONE: Final = "+358480000101"
POSTCODE: Final = "00100"
ADDRESS: Final = "203.0.113.7"

INVOICE: Final = Plan(
    key="invoice-14",
    kind="invoice",
    currency="EUR",
    min_amount_minor=1,
    max_amount_minor=500_000,
    due_days=14,
)
INSTALMENTS: Final = Plan(
    key="instalments",
    kind="instalments",
    currency="EUR",
    min_amount_minor=6_000,
    max_amount_minor=500_000,
    nominal_rate=Decimal("14.9"),
    min_months=3,
    max_months=36,
    min_instalment_minor=2_000,
)


async def a_merchant(
    name: str = "Havu & Kivi",
    credit_limit_minor: int = 200_000,
    code_alone_max_minor: int | None = None,
    *,
    passkey_counts: bool | None = None,
    creditor: Creditor = "operator",
    country: str = "FI",
) -> Merchant:
    """A Finnish shop, or one of another country with the euro, with an invoice and an instalment plan."""
    now = clock.wall()
    merchant = await create_merchant(
        NewMerchant(
            name=name,
            country=country,
            contact_email="shop@havu.example",
            credit_limit_minor=credit_limit_minor,
            code_alone_max_minor=code_alone_max_minor,
            passkey_counts=passkey_counts,
            creditor=creditor,
        ),
        now=now,
    )
    for plan in (INVOICE, INSTALMENTS):
        await create_plan(merchant.id, plan, now=now)
    return merchant


def a_line(name: str = "Wool blanket", price: str = "129.00", quantity: int = 1) -> Line:
    return Line(
        "item", name, quantity, int(Decimal(price) * 100), Decimal("25.5"), sku="B-1", category="home"
    )


async def a_session(
    merchant: Merchant, *lines: Line, email: str | None = "aino@example.test", phone: str = PHONE
) -> str:
    """An open session's public id, on a basket of one blanket unless lines are given."""
    draft = SessionDraft(
        reference="SHOP-1001",
        country=merchant.country,
        currency=merchant.currency,
        locale="en",
        buyer="consumer",
        lines=lines or (a_line(),),
        customer=ContactDraft(email=email, phone=phone, postcode=POSTCODE),
        success_url="http://localhost:9/thanks",
        cancel_url="http://localhost:9/basket",
        expires_in_s=86_400,
    )
    opened = await actions.open_session(merchant, draft, await clock.business_now())
    return opened.session_id


async def a_known_person(phone: str | None = PHONE, subject: str = "aino", name: str = "Aino Virta") -> None:
    """Somebody who was identified strongly once, and whose phone a code has reached."""
    identity = an_identity(subject=subject, name=name)
    contact = KnownContact(country="FI", postcode=POSTCODE, proved_phone=phone)
    await db.in_tx(lambda: customers.remember_identity(identity, contact, clock.wall()))


def an_identity(subject: str = "aino", name: str = "Aino Virta") -> VerifiedIdentity:
    return VerifiedIdentity(
        issuer="http://127.0.0.1:9/bank",
        subject=subject,
        name=name,
        birthdate=date(1990, 5, 1),
        national_number="010590-903L",
        country="FI",
        acr="http://ftn.ficora.fi/2017/loa2",
        authenticated_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def approving(flow: Flow, income_minor: int = 300_000, *, credit_ban: bool = False) -> Facts:
    """Facts of somebody who owes nothing yet; without a ban and with this income they are approved."""
    return Facts(
        amount_minor=flow.quote.amount_minor if flow.quote is not None else flow.total_minor,
        currency=flow.currency,
        exposure_minor=0,
        limit_minor=flow.merchant.credit_limit_minor,
        answer=RegisterAnswer("reg-1", income_minor, (), credit_ban),
    )


async def nobody_has_bought_before() -> None:
    """What risk has seen is gone: one shopper who buys the same again and again within seconds is not looked at."""
    await db.execute_alone("TRUNCATE risk_decisions CASCADE")


@dataclass
class Shopper:
    """One browser in one session. Each verb loads the flow afresh, as each request does."""

    session: str
    browser: BrowserToken

    @classmethod
    def at(cls, session: str) -> Shopper:
        return cls(session, browsers.read(None, wall=clock.wall()))

    async def flow(self) -> Flow:
        found = await read_flow(self.session, self.browser.digest)
        assert found is not None
        return found

    async def choose(self, kind: str = "invoice", months: int = 0, delivery: str = "email") -> Quote:
        flow = await self.flow()
        plan = next(plan for plan in await plans_of(flow.merchant.id) if plan.kind == kind)
        quote = make_quote(
            plan,
            flow.total_minor,
            flow.currency,
            flow.merchant.country,
            flow.merchant.local_date(flow.now),
            months,
            merchant=flow.merchant.public_id,
            delivery=delivery,
        )
        await actions.choose_plan(flow, quote, self.browser, clock.wall())
        return quote

    async def ask_code(self, phone: str = PHONE, postcode: str = POSTCODE, address: str = ADDRESS) -> str:
        issued, _ = await actions.request_code(
            await self.flow(), phone, postcode, self.browser, address=address, wall=clock.wall()
        )
        return issued.code

    async def type_code(self, code: str, address: str = ADDRESS) -> actions.Identification:
        result = await actions.identify_by_code(
            await self.flow(), code, code_is_enough=True, address=address, wall=clock.wall()
        )
        self._take(result)
        return result

    async def return_from_bank(self, identity: VerifiedIdentity | None = None) -> actions.Identification:
        result = await actions.identify_by_bank(
            await self.flow(), identity or an_identity(), self.browser, clock.wall()
        )
        self._take(result)
        return result

    def _take(self, result: actions.Identification) -> None:
        if result.token is not None:
            self.browser = BrowserToken(result.token, clock.wall(), fresh=False)

    async def be_decided(self, income_minor: int = 300_000, *, credit_ban: bool = False) -> str:
        flow = await self.flow()
        facts = approving(flow, income_minor, credit_ban=credit_ban)
        decided = (await actions.decide(flow, facts, lang="en")).decision
        assert decided is not None
        return decided.outcome

    async def confirm(self, details: Details | None = None, shown_field: str | None = None) -> Flow:
        field = shown.sign(await self.flow()) if shown_field is None else shown_field
        return await actions.confirm(self.session, self.browser, field, details or Details())


async def a_shopper_at_confirm(merchant: Merchant, *lines: Line) -> Shopper:
    """A known person who has chosen an invoice, typed the code and been approved."""
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant, *lines))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    await shopper.be_decided()
    return shopper
