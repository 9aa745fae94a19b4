"""What a shop says of its payment links: the words they are sent with, in each language, and when it reminds of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock
from app.kernel.i18n import LANGUAGES
from app.links.wording import (
    GAPS,
    MESSAGE_MAX,
    OCCASIONS,
    SMS_MAX,
    SUBJECT_MAX,
    Occasion,
    checked_words,
    own_words,
    save_words,
    words_of,
)
from app.merchants.errors import FieldRefused
from app.merchants.linking import REMINDERS_MAX, LinkRules, link_rules_of, save_link_rules
from app.merchants.queries import Merchant
from app.web.admin.access import AdminRequest
from app.web.admin.pages import LANGUAGE_NAMES, merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings/links"
# Hours before a link lapses that the page offers a reminder at.
REMINDER_HOURS: Final = (168, 72, 24, 6, 1)
_SAVED: Final = frozenset({"rules", "words", "ours"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose words the page shows: of which occasion, in which language."""

    lang: str
    occasion: Occasion

    @property
    def url(self) -> str:
        return f"{PAGE}?words={self.lang}&occasion={self.occasion}"


@get("/settings/links", name="admin:link-settings")
async def link_settings(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    query = request.query_params
    shown = _shown(query.get("words", ""), query.get("occasion", ""), merchant)
    saved = query.get("saved", "")
    return await _show(request, merchant, shown, saved=saved if saved in _SAVED else "")


@post("/settings/links", name="admin:link-settings-save", status_code=HTTP_200_OK)
async def save_link_settings(request: AdminRequest) -> Response[str]:
    """Save the rules, or the words of one language; what was typed stays, whatever is wrong."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    shown = _shown(form.value("words"), form.value("occasion"), merchant)
    if form.value("do") == "rules":
        return await _save_rules(request, merchant, shown, form)
    return await _save_words(request, merchant, shown, form)


async def _save_rules(request: AdminRequest, merchant: Merchant, shown: Shown, form: Form) -> Response[str]:
    minutes = form.value("grace")
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= 5):
        again = form.refused(grace=FieldError("malformed"))
        return await _show(request, merchant, shown, rules=again, status=422)
    hours = [each for each in _offered(merchant) if form.value(f"h-{each}")]
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await save_link_rules(merchant, LinkRules(int(minutes) * 60, hours), actor=actor, now=now)
    except FieldRefused as refused:
        again = form.refused(**{refused.field: FieldError(refused.reason)})
        return await _show(request, merchant, shown, rules=again, status=422)
    return rendering.redirect(request, f"{shown.url}&saved=rules", leave=True)


async def _save_words(request: AdminRequest, merchant: Merchant, shown: Shown, form: Form) -> Response[str]:
    ours = form.value("do") == "ours"
    try:
        words = (
            None if ours else checked_words(form.value("subject"), form.value("message"), form.value("sms"))
        )
    except FieldRefused as refused:
        again = form.refused(**{refused.field: FieldError(refused.reason)})
        return await _show(request, merchant, shown, words=again, status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    await save_words(merchant, shown.lang, shown.occasion, words, actor=actor, now=now)
    return rendering.redirect(request, f"{shown.url}&saved={'ours' if ours else 'words'}", leave=True)


def _shown(lang: str, occasion: str, merchant: Merchant) -> Shown:
    return Shown(
        lang if lang in LANGUAGES else merchant.locale,
        next((each for each in OCCASIONS if each == occasion), "link"),
    )


def _offered(merchant: Merchant) -> list[int]:
    """The reminders that can be ticked: the usual ones, and what the shop has set in another way."""
    return sorted({*REMINDER_HOURS, *merchant.link_reminders_h}, reverse=True)


async def _show(
    request: AdminRequest,
    merchant: Merchant,
    shown: Shown,
    *,
    rules: Form | None = None,
    words: Form | None = None,
    saved: str = "",
    status: int = HTTP_200_OK,
) -> Response[str]:
    """`rules` and `words` are forms as they were typed; what is left out shows what holds now."""
    holds = link_rules_of(merchant)
    present = await words_of(merchant.id, shown.lang, shown.occasion)
    ticked = {f"h-{each}": "1" for each in holds.reminders_h}
    context = {
        "shown": shown,
        "languages_of_mail": LANGUAGE_NAMES,
        "occasions": OCCASIONS,
        "own": await own_words(merchant.id, shown.lang, shown.occasion) is not None,
        "words": words or Form({"subject": present.subject, "message": present.message, "sms": present.sms}),
        "rules": rules or Form({"grace": str(holds.grace_s // 60), **ticked}),
        "hours": _offered(merchant),
        "reminders_max": REMINDERS_MAX,
        "gaps": GAPS,
        "limits": {"subject": SUBJECT_MAX, "message": MESSAGE_MAX, "sms": SMS_MAX},
        "saved": saved,
    }
    return await show(request, "admin/settings_links.html", context, section="settings", status=status)
