"""`/api/v1/sessions`: a shop opens a session, asks for it, cancels it."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout import actions, queries
from app.checkout.drafts import ContactDraft, SessionDraft
from app.checkout.return_urls import return_url_fault
from app.kernel import ids
from app.kernel.phone import PhoneRefused, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.law.rules import law_of
from app.merchants import rules as merchant_rules
from app.merchants.errors import FieldRefused
from app.orders.rules import Line
from app.settings import Settings
from app.web.api import body, schemas
from app.web.api.keys import Caller, TheCaller, TheSettings
from app.web.api.once import Answer, once
from app.web.api.problems import InputRefused, fault, invalid, not_found

if TYPE_CHECKING:
    from app.checkout.queries import SessionAnswer
    from app.web.shared.problems import FieldProblem

_JOINERS = frozenset("\u200c\u200d")


@post("/sessions", status_code=201)
async def open_session(
    request: Request[Any, Any, Any], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Open a session on a new draft order."""
    given, raw = await body.read(request, schemas.NewSession)
    merchant = caller.merchant
    draft = draft_of(given, merchant.return_hosts, live=settings.is_live, home_currency=merchant.currency)

    made: list[tuple[str, Answer]] = []

    async def work() -> Answer:
        opened = await actions.open_session_in_tx(caller.merchant, draft, caller.now)
        session = schemas.Session(
            id=opened.session_id,
            url=_url(settings, opened.session_id),
            state="open",
            total_minor=opened.total_minor,
            currency=given.currency,
            expires_at=opened.expires_at,
            order_id=opened.order_id,
        )
        answer = Answer(201, msgspec.json.encode(session))
        made.append((opened.session_id, answer))
        return answer

    async def landed() -> Answer | None:
        for session_id, answer in made:
            if await queries.session_for_api(caller.merchant.id, session_id, caller.now) is not None:
                return answer
        return None

    return await once(request, caller.merchant.id, raw, work, landed)


@get("/sessions/{session_id:str}")
async def read_session(
    session_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """A session as it stands now."""
    return Answer(200, await _present(session_id, caller, settings)).response()


@post("/sessions/{session_id:str}/cancel", status_code=200)
async def cancel_session(
    request: Request[Any, Any, Any],
    session_id: FromPath[str],
    caller: TheCaller,
    settings: TheSettings,
) -> Response[bytes]:
    """Cancel a session that has not ended. Cancelling twice is cancelling once."""
    raw = await request.body()
    if raw:
        await body.read(request, schemas.Nothing)

    async def work() -> Answer:
        await actions.cancel_session_in_tx(caller.merchant.id, session_id, actor=caller.actor, now=caller.now)
        answer = await _answer(session_id, caller)
        if answer.state != "cancelled":
            raise InputRefused(409, "session_ended", detail=f"The session is {answer.state}.")
        return Answer(200, _encoded(answer, settings))

    return await once(request, caller.merchant.id, raw, work)


async def _present(session_id: str, caller: Caller, settings: Settings) -> bytes:
    return _encoded(await _answer(session_id, caller), settings)


async def _answer(session_id: str, caller: Caller) -> SessionAnswer:
    if not ids.is_public_id("cs", session_id):
        raise not_found()
    answer = await queries.session_for_api(caller.merchant.id, session_id, caller.now)
    if answer is None:
        raise not_found()
    return answer


def _encoded(answer: SessionAnswer, settings: Settings) -> bytes:
    data = {
        "id": answer.id,
        "url": _url(settings, answer.id),
        "state": answer.state,
        "total_minor": answer.total_minor,
        "currency": answer.currency,
        "expires_at": answer.expires_at,
        "order_id": answer.order_id,
        "reference": answer.reference,
    }
    return msgspec.json.encode(msgspec.convert(data, schemas.SessionDetails))


def _url(settings: Settings, session_id: str) -> str:
    return f"{settings.base_url}/pay/{session_id}"


# --- from the caller's document to a draft --------------------------------------------------------------------------


def draft_of(
    given: schemas.NewSession, return_hosts: tuple[str, ...], *, live: bool, home_currency: str
) -> SessionDraft:
    """Everything that the schema alone cannot check, all faults at once. Raises InputRefused (422).

    The currency is that of the merchant's country (`home_currency`) or of the shopper's.
    """
    faults: list[FieldProblem] = []
    if given.currency not in {home_currency, law_of(given.country).currency}:
        faults.append(fault("/currency", "currency_mismatch"))
    for name in ("success_url", "cancel_url"):
        wrong = return_url_fault(getattr(given, name), live=live, return_hosts=return_hosts)
        if wrong is not None:
            faults.append(fault(f"/{name}", wrong))
    draft = SessionDraft(
        reference=_cleaned(given.reference, "/reference", faults),
        country=given.country,
        currency=given.currency,
        locale=given.locale,
        buyer=given.buyer,
        lines=tuple(_line(line, index, faults) for index, line in enumerate(given.lines)),
        customer=None if given.customer is None else _contact(given.customer, given.country, faults),
        success_url=given.success_url,
        cancel_url=given.cancel_url,
        expires_in_s=given.expires_in_s,
    )
    if faults:
        raise invalid(*faults)
    return draft


def _line(given: schemas.NewLine, index: int, faults: list[FieldProblem]) -> Line:
    place = f"/lines/{index}"
    percent = given.vat_percent
    if percent.endswith("\n"):
        # `$` in a pattern lets one line break by.
        faults.append(fault(f"{place}/vat_percent", "malformed"))
        percent = "0"
    return Line(
        type=given.type,
        name=_cleaned(given.name, f"{place}/name", faults),
        quantity=given.quantity,
        unit_price_minor=given.unit_price_minor,
        vat_percent=Decimal(percent),
        sku=_optional(given.sku, f"{place}/sku", faults),
        category=_optional(given.category, f"{place}/category", faults),
    )


def _contact(given: schemas.NewCustomer, country: str, faults: list[FieldProblem]) -> ContactDraft:
    address, street_place = given.address, "/customer/address/street"
    if isinstance(address, str):
        address, street_place = schemas.NewAddress(street=address), "/customer/address"
    street, city = (None, None) if address is None else (address.street, address.city)
    return ContactDraft(
        name=_optional(given.name, "/customer/name", faults),
        email=_email(given.email, faults),
        phone=_phone(given.phone, country, faults),
        postcode=_postcode(given.postcode, country, faults),
        street=_optional(street, street_place, faults),
        city=_optional(city, "/customer/address/city", faults),
    )


def _email(text: str | None, faults: list[FieldProblem]) -> str | None:
    try:
        return None if text is None else merchant_rules.email_of(text)
    except FieldRefused as refused:
        faults.append(fault("/customer/email", refused.reason))
        return None


def _phone(text: str | None, country: str, faults: list[FieldProblem]) -> str | None:
    try:
        return None if text is None else parse_phone(text, country).e164
    except PhoneRefused as refused:
        faults.append(fault("/customer/phone", refused.reason))
        return None


def _postcode(text: str | None, country: str, faults: list[FieldProblem]) -> str | None:
    try:
        return None if text is None else parse_postcode(text, country)
    except PostcodeRefused as refused:
        faults.append(fault("/customer/postcode", refused.reason))
        return None


def _optional(text: str | None, pointer: str, faults: list[FieldProblem]) -> str | None:
    return None if text is None else _cleaned(text, pointer, faults)


def _cleaned(text: str, pointer: str, faults: list[FieldProblem]) -> str:
    """NFC on one line, without characters that cannot be seen; joiners inside words and emoji stay."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    kept = "".join(
        c for c in spaced if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    ).strip()
    if not kept.strip("\u200c\u200d"):
        faults.append(fault(pointer, "empty"))
    return kept
