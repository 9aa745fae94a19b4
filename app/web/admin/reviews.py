"""What waits for a person: the queue, one case with all its facts, and the two answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, cast, get_args
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.cases import queries
from app.cases.actions import HEARTBEAT_S, Decision
from app.cases.errors import CaseClosed, CaseTaken, SecondPersonNeeded, TextRefused
from app.cases.money import money_answered, money_case_by_public_id, money_waiting
from app.cases.questions import questions_of
from app.cases.queue import (
    COUNT_MAX,
    Kind,
    Wanted,
    bad_samples,
    neighbours,
    next_free,
    own_undoable,
    queue_page,
    queue_total,
)
from app.cases.rules import TAGS, TEXT_LENGTH_MAX
from app.checkout.actions.answering import Desk, decide_case, decide_many
from app.checkout.behind import deeds_about
from app.checkout.errors import ApprovalImpossible, CaseNotFound, IdentityUnchecked
from app.credit.queries import stored_decision
from app.kernel import clock
from app.kernel.cursors import CursorRefused
from app.kernel.errors import Refusal
from app.merchants.errors import FieldRefused
from app.merchants.queries import reviewers_of, staff_actors
from app.merchants.rules import name_of
from app.orders.queries import order_for_api, order_timeline
from app.returns.queries import waiting_refunds
from app.wallet.approvals import waiting_approvals
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.refunds_views import refund_row
from app.web.admin.reviews_money import money_row, show_money_case
from app.web.admin.reviews_risk import IDENTICAL_MAX, risk_view
from app.web.admin.reviews_views import (
    Around,
    case_detail,
    case_row,
    chosen_quote,
    pending_of,
    queue_line,
)
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.cases.queries import CaseView
    from app.merchants.queries import Merchant
    from app.orders.queries import OrderView, TimelineEntry

LIST: Final = "/admin/reviews"
BAD_SHOWN_FOR: Final = timedelta(days=7)
# What became of the press of "Confirm" would tell a sample from an order that waits.
_TELLING: Final = frozenset(
    {
        "session.confirmed",
        "session.held",
        "session.processing",
        "order.paid",
        "order.held",
        "payment.captured",
    }
)
_KINDS_OF_TIMELINE: Final = frozenset({"order", "session", "payment"})


def desk_of(request: AdminRequest) -> Desk:
    """Who answers, on both clocks, and how long they may take it back."""
    staff = request.user.staff
    undo = timedelta(seconds=settings_of(request).review_undo_s)
    return Desk(staff.public_id, clock.wall(), clock.business(staff.offset_s), undo)


@get("/reviews", name="admin:reviews")
async def review_list(request: AdminRequest) -> Response[str]:
    merchant, desk = await merchant_of(request), desk_of(request)
    wanted, cursor = _wanted(request, desk), request.query_params.get("cursor") or None
    try:
        page = await queue_page(merchant.id, wanted, now=desk.now, cursor=cursor)
    except CursorRefused:
        page, cursor = await queue_page(merchant.id, wanted, now=desk.now), None
    is_first = cursor is None and wanted == Wanted()
    context: dict[str, object] = {
        "lines": tuple(queue_line(row, desk.actor, wall=desk.wall, now=desk.now) for row in page.rows),
        "chosen": _chosen(wanted),
        "total": await queue_total(merchant.id, desk.now),
        "total_max": COUNT_MAX,
        "kinds": get_args(Kind),
        "next_url": _url(wanted, page.next_cursor) if page.next_cursor else None,
        "first_url": _url(wanted) if cursor else None,
        "is_first": is_first,
        "undoable": await undoable(merchant.id, desk),
    }
    context |= await _beside_the_queue(merchant.id, desk) if is_first else dict.fromkeys(_BESIDE, ())
    return await show(request, "admin/reviews.html", context, section="reviews")


_BESIDE: Final = (
    "answered",
    "refunds",
    "wallets",
    "staff_names",
    "disputes",
    "money",
    "money_answered",
    "bad",
)


async def _beside_the_queue(merchant_id: UUID, desk: Desk) -> dict[str, object]:
    """What stands under the first page of the whole queue alone."""
    waiting = tuple(money_row(case) for case in await money_waiting(merchant_id))
    return {
        "answered": tuple(case_row(case, desk.now) for case in await queries.answered(merchant_id)),
        "refunds": tuple(refund_row(each) for each in await waiting_refunds(merchant_id)),
        "wallets": await waiting_approvals(merchant_id),
        "staff_names": await staff_actors(merchant_id),
        "money": tuple(row for row in waiting if row.kind != "disputed_payment"),
        "disputes": tuple(row for row in waiting if row.kind == "disputed_payment"),
        "money_answered": tuple(money_row(case) for case in await money_answered(merchant_id)),
        "bad": await bad_samples(merchant_id, desk.now - BAD_SHOWN_FOR),
    }


def _wanted(request: AdminRequest, desk: Desk) -> Wanted:
    show_only = request.query_params.get("show", "")
    kind = cast("Kind", show_only) if show_only in get_args(Kind) else None
    return Wanted(kind, desk.actor if show_only == "mine" else None, show_only == "resting")


def _chosen(wanted: Wanted) -> str:
    return wanted.kind or ("mine" if wanted.mine else "resting" if wanted.resting else "")


def _url(wanted: Wanted, cursor: str = "") -> str:
    query = urlencode(
        {name: value for name, value in (("show", _chosen(wanted)), ("cursor", cursor)) if value}
    )
    return f"{LIST}?{query}" if query else LIST


async def undoable(merchant_id: UUID, desk: Desk) -> tuple[object, ...]:
    """The reader's own answers that they may still take back: every page of reviews shows them."""
    cases = await own_undoable(merchant_id, desk.actor, desk.now)
    return tuple(pending_of(case, desk.actor, desk.now) for case in cases)


@get("/reviews/{public_id:str}", name="admin:review")
async def one_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    money = await money_case_by_public_id((await merchant_of(request)).id, public_id)
    if money is not None:
        return await show_money_case(request, money)
    return await show_case(request, public_id)


@post("/reviews/{public_id:str}", name="admin:review:answer", status_code=HTTP_200_OK)
async def answer_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Approve or decline. Whoever comes second is shown how it stands, and what they typed."""
    body = await request.body()
    form, lists = forms.parse(body), forms.parse_lists(body)
    said = _said(form)
    if said is None:
        return await show_case(request, public_id, form=form)
    merchant, desk = await merchant_of(request), desk_of(request)
    decision, missing = _decision(form, tuple(lists.get("tags[]", ())), *said)
    try:
        await decide_case(merchant, public_id, decision, desk)
    except CaseNotFound:
        return await no_case(request)
    except TextRefused as refused:
        field = "reason" if refused.reason == "reason" else "note"
        wrong = form.refused(**{field: FieldError(refused.reason)})
        return await show_case(request, public_id, form=wrong, status=422)
    except IdentityUnchecked:
        return await show_case(request, public_id, form=form.refused(**missing), status=422)
    except (ApprovalImpossible, CaseTaken, SecondPersonNeeded, CaseClosed) as refused:
        return await show_case(request, public_id, form=form, news=news_of(refused), status=409)
    also = _also(form, lists.get("also[]", ()))
    missed = await decide_many(merchant, also, decision, desk) if also else ()
    return await _go_on(request, merchant, public_id, desk, form, missed)


def _also(form: Form, ticked: Sequence[str]) -> tuple[str, ...]:
    """The other cases that get the same answer: those that were ticked one by one, and all that the page told of."""
    return tuple(dict.fromkeys((*ticked, *form.value("also_all").split())))[:IDENTICAL_MAX]


async def _go_on(
    request: AdminRequest, merchant: Merchant, public_id: str, desk: Desk, form: Form, missed: Sequence[str]
) -> Response[str]:
    """To the next case that is free, where the form asks for it; to the queue when there is none."""
    if not form.value("next") or missed:
        address = f"{LIST}/{public_id}" + (f"?missed={len(missed)}" if missed else "")
        return rendering.redirect(request, address, leave=True)
    case = await queries.case_by_public_id(merchant.id, public_id)
    assert case is not None, "it was answered just now"
    after = await next_free(case, desk.actor, wall=desk.wall, now=desk.now)
    return rendering.redirect(request, LIST if after is None else f"{LIST}/{after}", leave=True)


def news_of(refused: Refusal) -> str:
    """How the page calls what was not taken."""
    if isinstance(refused, ApprovalImpossible):
        return refused.reason
    return {CaseTaken: "taken", SecondPersonNeeded: "second"}.get(type(refused), "closed")


def _said(form: Form) -> tuple[Literal["approved", "declined"], str] | None:
    """The answer and its reason: `say` has both, `answer` with a `reason` of its own does as well."""
    answer, _, reason = form.value("say").partition(":")
    if not answer:
        answer, reason = form.value("answer"), form.value("reason")
    if answer in {"approve", "approved"}:
        return "approved", reason
    return ("declined", reason) if answer in {"decline", "declined"} else None


def _decision(
    form: Form, tags: tuple[str, ...], answer: Literal["approved", "declined"], reason: str
) -> tuple[Decision, dict[str, FieldError]]:
    """What was said, and what is missing of a check of somebody's identity."""
    decision = Decision(answer, reason or None, tags, form.value("note") or None)
    name, how, missing = _read_checked(form)
    return (decision if missing else replace(decision, checked_name=name, checked_how=how)), missing


def _read_checked(form: Form) -> tuple[str, Literal["call", "document"], dict[str, FieldError]]:
    """What was checked of somebody's identity, and what is missing of it. A case about credit asks for none of this."""
    wrong: dict[str, FieldError] = {}
    name, how = "", form.value("how")
    try:
        name = name_of(form.value("name"))
    except FieldRefused as refused:
        wrong["name"] = FieldError(refused.reason)
    if how not in {"call", "document"}:
        wrong["how"] = FieldError("empty")
    if not form.value("finances"):
        wrong["finances"] = FieldError("empty")
    return name, "call" if how == "call" else "document", wrong


async def no_case(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_review.html", {}, section="reviews", status=404)


async def show_case(
    request: AdminRequest,
    public_id: str,
    *,
    form: Form | None = None,
    news: str | None = None,
    status: int = HTTP_200_OK,
) -> Response[str]:
    """`news` is why something was not taken: `closed`, `taken`, `second`, or why an approval is impossible."""
    merchant, desk = await merchant_of(request), desk_of(request)
    case = await queries.case_by_public_id(merchant.id, public_id)
    if case is None:
        return await no_case(request)
    detail = case_detail(case, await _around(case, desk))
    context = {
        "case": detail,
        "form": form or Form(),
        "news": news,
        "missed": request.query_params.get("missed", "") if request.method == "GET" else "",
        "text_max": TEXT_LENGTH_MAX,
        "tags": TAGS,
        "heartbeat_s": HEARTBEAT_S,
        "undoable": await undoable(merchant.id, desk),
        "staff_names": await staff_actors(merchant.id),
        "colleagues": await _colleagues(merchant.id, desk),
    }
    return await show(request, "admin/review.html", context, section="reviews", status=status)


async def _around(case: CaseView, desk: Desk) -> Around:
    order = await order_for_api(case.merchant_id, case.order_public_id)
    risk = await risk_view(case, desk.now)
    return Around(
        actor=desk.actor,
        wall=desk.wall,
        now=desk.now,
        decision=await stored_decision(case.merchant_id, case.decision_id) if case.decision_id else None,
        order=order,
        quote=await chosen_quote(case),
        neighbours=await neighbours(case, desk.actor, wall=desk.wall, now=desk.now),
        questions=await questions_of(case.merchant_id, case.id),
        risk=risk,
        timeline=await _timeline(case, order, case.opened_at if risk is None else risk.at),
        deeds=await deeds_about(case.public_id),
    )


async def _timeline(case: CaseView, order: OrderView | None, until: datetime) -> Sequence[TimelineEntry]:
    """How it came here: what happened to the order before it was judged, so a sample looks like any other case."""
    if order is None:
        return ()
    entries = await order_timeline(case.merchant_id, order.id)
    return tuple(
        entry
        for entry in entries
        if entry.kind in _KINDS_OF_TIMELINE and entry.at < until and entry.what not in _TELLING
    )[-20:]


async def _colleagues(merchant_id: UUID, desk: Desk) -> tuple[tuple[str, str], ...]:
    """Who else may answer, by public id and name."""
    return tuple(each for each in await reviewers_of(merchant_id) if each[0] != desk.staff)
