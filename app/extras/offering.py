"""An insurance offer as a shop typed it, and what it must hold to be one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.extras.errors import OfferRefused
from app.extras.rules import WHOLE_POINTS, InsuranceOffer
from app.kernel.i18n import LANGUAGES
from app.kernel.money import MAX_AMOUNT_MINOR
from app.orders.rules import UNIT_PRICE_MAX_MINOR

if TYPE_CHECKING:
    from app.merchants.queries import Merchant

# The right to withdraw from a distance contract of insurance: Directive 2002/65/EC art. 6(1).
CANCEL_DAYS_MIN: Final = 14
CANCEL_DAYS_MAX: Final = 365
NAME_MAX: Final = 100
SENTENCE_MAX: Final = 300
TERMS_MAX: Final = 20_000
URL_MAX: Final = 2048
CATEGORIES_MAX: Final = 50
CATEGORY_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class NewOffer:
    """What a shop wants to offer; texts as typed, sums in minor units of the shop's currency."""

    name: str
    insurer: str
    covers: Mapping[str, str]
    categories: Sequence[str]
    from_minor: int
    to_minor: int | None
    fixed_minor: int | None
    rate_points: int | None
    least_minor: int | None
    most_minor: int | None
    cancel_days: int
    terms_url: str | None = None
    terms_text: str | None = field(default=None, repr=False)


def checked_offer(new: NewOffer, merchant: Merchant) -> InsuranceOffer:
    """The offer, tidied. Raises OfferRefused with every field that is wrong: empty, too_long, out_of_range, backwards,
    one_price, only_with_rate, malformed."""
    covers = {lang: " ".join(text.split()) for lang, text in new.covers.items() if text.strip()}
    categories = frozenset(" ".join(each.split()).casefold() for each in new.categories if each.strip())
    url = (new.terms_url or "").strip() or None
    text = (new.terms_text or "").replace("\r\n", "\n").strip() or None
    errors = (
        _wrong_names(new, categories)
        | _wrong_sentences(covers, merchant.locale)
        | _wrong_terms(url, text)
        | _wrong_goods(new)
        | _wrong_price(new)
    )
    if errors:
        raise OfferRefused(errors)
    return InsuranceOffer(
        public_id="",
        name=" ".join(new.name.split()),
        insurer=" ".join(new.insurer.split()),
        covers=covers,
        currency=merchant.currency,
        categories=categories,
        from_minor=new.from_minor,
        to_minor=new.to_minor,
        fixed_minor=new.fixed_minor,
        rate_points=new.rate_points,
        least_minor=new.least_minor,
        most_minor=new.most_minor,
        cancel_days=new.cancel_days,
        terms_url=url,
        terms_text=text,
    )


def _wrong_names(new: NewOffer, categories: frozenset[str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, typed in (("name", new.name), ("insurer", new.insurer)):
        if not typed.strip():
            errors[name] = "empty"
        elif len(typed) > NAME_MAX:
            errors[name] = "too_long"
    if len(categories) > CATEGORIES_MAX or any(len(each) > CATEGORY_MAX for each in categories):
        errors["categories"] = "too_long"
    return errors


def _wrong_sentences(covers: Mapping[str, str], shop_lang: str) -> dict[str, str]:
    errors = {
        f"covers_{lang}": "too_long"
        for lang, sentence in covers.items()
        if lang not in LANGUAGES or len(sentence) > SENTENCE_MAX
    }
    if shop_lang not in covers:
        errors[f"covers_{shop_lang}"] = "empty"
    return errors


def _wrong_terms(url: str | None, text: str | None) -> dict[str, str]:
    errors: dict[str, str] = {}
    if url is None and text is None:
        errors["terms_url"] = "empty"
    elif url is not None and not (url.startswith("https://") and url.isprintable() and " " not in url):
        errors["terms_url"] = "malformed"
    elif len(url or "") > URL_MAX:
        errors["terms_url"] = "too_long"
    if len(text or "") > TERMS_MAX:
        errors["terms_text"] = "too_long"
    return errors


def _wrong_goods(new: NewOffer) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 1 <= new.from_minor <= MAX_AMOUNT_MINOR:
        errors["from"] = "out_of_range"
    if new.to_minor is not None and not new.from_minor <= new.to_minor <= MAX_AMOUNT_MINOR:
        errors["to"] = "backwards"
    if not CANCEL_DAYS_MIN <= new.cancel_days <= CANCEL_DAYS_MAX:
        errors["cancel_days"] = "out_of_range"
    return errors


def _wrong_price(new: NewOffer) -> dict[str, str]:
    errors: dict[str, str] = {}
    if (new.fixed_minor is None) == (new.rate_points is None):
        errors["fixed"] = "one_price"
    elif new.fixed_minor is not None and not 1 <= new.fixed_minor <= UNIT_PRICE_MAX_MINOR:
        errors["fixed"] = "out_of_range"
    elif new.rate_points is not None and not 1 <= new.rate_points <= WHOLE_POINTS:
        errors["rate"] = "out_of_range"
    bounds = {"least": new.least_minor, "most": new.most_minor}
    for name, bound in bounds.items():
        if bound is not None and new.rate_points is None:
            errors[name] = "only_with_rate"
        elif bound is not None and not 1 <= bound <= UNIT_PRICE_MAX_MINOR:
            errors[name] = "out_of_range"
    if new.least_minor and new.most_minor and new.most_minor < new.least_minor:
        errors["most"] = "backwards"
    return errors
