"""What staff type of a payment link: to whom it goes and in which words, and how long it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kernel import ids
from app.kernel.i18n import LANGUAGES
from app.links.sending import Channel, Wanted
from app.merchants.queries import Merchant
from app.web.shared.forms import FieldError, Form

# The quick choices, in days.
QUICK_DAYS: Final = (1, 3, 7, 14, 30)
_END_OF_DAY: Final = time(23, 59)
_CHANNELS: Final[dict[str, Channel]] = {"email": "email", "sms": "sms"}


@dataclass(frozen=True, slots=True)
class Validity:
    """Until when a link shall hold, in business time; None for until its order is paid."""

    expires_at: datetime | None


def channel_of(form: Form) -> Channel:
    return _CHANNELS.get(form.value("channel"), "email")


def lang_of(form: Form, merchant: Merchant) -> str:
    """The language of the message; the shop's for one that there is not."""
    lang = form.value("lang")
    return lang if lang in LANGUAGES else merchant.locale


def wanted_of(form: Form, merchant: Merchant) -> Wanted:
    """What was typed, as it stands: whether it can be sent is for `links.sending` to say."""
    return Wanted(
        channel=channel_of(form),
        recipient=form.value("to"),
        lang=lang_of(form, merchant),
        subject=form.value("subject"),
        message=form.value("message"),
        id=key_of(form.value("key")),
    )


def key_of(text: str) -> UUID:
    """The form's own key, so that a form that is sent twice is one message."""
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


def validity_of(form: Form, merchant: Merchant, now: datetime) -> Validity | Form:
    """The end that was chosen: a number of days from now, the end of a local day, or none."""
    chosen = form.value("for")
    if chosen == "none":
        return Validity(None)
    if chosen in {str(days) for days in QUICK_DAYS}:
        return Validity((now + timedelta(days=int(chosen))).replace(second=0, microsecond=0))
    try:
        day = date.fromisoformat(form.value("until"))
    except ValueError:
        return form.refused(until=FieldError("malformed"))
    return Validity(datetime.combine(day, _END_OF_DAY, ZoneInfo(merchant.time_zone)))
