"""What can be read out of a basket, a name and an e-mail address. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final

WORDS_MAX: Final = 200

_WORD: Final = re.compile(r"\w+")

# How shops name what arrives soon, in the languages served.
_EXPRESS: Final = (
    "express", "next day", "same day", "overnight",
    "pika", "samana päivänä", "seuraavaksi päiväksi", "kuriiri",
    "snabb", "samma dag", "nästa dag",
    "ekspres", "samme dag", "næste dag", "hurtig",
    "експрес", "същия ден", "бърза доставка", "куриер до час",
)  # fmt: skip

# What a thief sells on within a day: money in other forms, and small dear machines.
_RESOLD: Final = (
    "gift card", "giftcard", "voucher", "iphone", "smartphone", "playstation", "xbox", "console", "gpu",
    "lahjakort", "älypuhelin", "pelikonsoli", "näytönohjain",
    "presentkort", "mobiltelefon", "spelkonsol", "grafikkort",
    "gavekort", "spillekonsol",
    "подаръчна карта", "подаръчен ваучер", "смартфон", "конзола", "видеокарта",
)  # fmt: skip

# Mailboxes that live for minutes and ask for no password. Aliases of mailboxes that somebody keeps are none of these.
_THROWAWAY_DOMAINS: Final = """
    10minutemail.com 10minutemail.net 20minutemail.com burnermail.io discard.email dispostable.com emailondeck.com
    fakeinbox.com getairmail.com getnada.com grr.la guerrillamail.com guerrillamail.info guerrillamail.net
    guerrillamail.org inboxkitten.com mailcatch.com maildrop.cc mailinator.com mailinator.net mailnesia.com
    mintemail.com moakt.com mohmal.com mytemp.email sharklasers.com spam4.me spamgourmet.com temp-mail.org
    tempail.com tempinbox.com tempmail.com tempmailo.com tempr.email throwawaymail.com trashmail.com trashmail.de
    trashmail.net yopmail.com yopmail.fr yopmail.net
"""
_THROWAWAY: Final = frozenset(_THROWAWAY_DOMAINS.split())

# The streamlined system that Bulgarian passports are written by: a bank may tell a name in either script.
_LATIN: Final = str.maketrans(
    dict(
        zip(
            "абвгдезийклмнопрстуфхъьѝ",
            ("a", "b", "v", "g", "d", "e", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "h",
             "a", "y", "i"),
            strict=True,
        ),
    )
    | {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ю": "yu", "я": "ya"}
    # Letters that no accent is taken off from.
    | {"ø": "o", "æ": "ae", "ß": "ss", "đ": "d", "ł": "l"}
)  # fmt: skip

# Shorter ones are initials and particles: many people share them.
_TELLING_LENGTH: Final = 3
_LONG_ENOUGH_FOR_A_SLIP: Final = 5


def bare(text: str) -> str:
    """Letters and digits alone, in one case: how a text is written tells it from no other."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def words_of(names: Iterable[str]) -> tuple[str, ...]:
    """The words of line names, lower case, each once and in order of the alphabet."""
    found = {word for name in names for word in _WORD.findall(unicodedata.normalize("NFKC", name).casefold())}
    return tuple(sorted(found)[:WORDS_MAX])


def is_express(names: Iterable[str]) -> bool:
    """Whether one of these ways to deliver says that it is a fast one."""
    return any(word in name.casefold() for name in names for word in _EXPRESS)


def is_resold(words: Collection[str]) -> bool:
    """Whether these words are of goods that are easily turned into money. A word may go on: "lahjakortti"."""
    return any(all(any(word.startswith(part) for word in words) for part in name.split()) for name in _RESOLD)


def is_throwaway(email: str | None) -> bool:
    """Whether an e-mail address ends with its day."""
    _, _, domain = (email or "").strip().casefold().rpartition("@")
    return any(".".join(domain.split(".")[at:]) in _THROWAWAY for at in range(domain.count(".")))


def names_differ(verified: str | None, told: str | None) -> bool | None:
    """Whether two names have no word in common. None where one is unknown, or says nothing.

    A second given name, another order, an accent, a hyphen, a slip of a letter, or the other script makes no other
    person. Neither does a shared surname: families order for each other.
    """
    one, other = _telling(verified or ""), _telling(told or "")
    if not one or not other:
        return None
    return not any(_is_same(a, b) for a in one for b in other)


def _telling(name: str) -> frozenset[str]:
    latin = unicodedata.normalize("NFKC", name).casefold().translate(_LATIN)
    plain = "".join(c for c in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(c))
    words = frozenset(_WORD.findall(plain))
    return frozenset(word for word in words if len(word) >= _TELLING_LENGTH) or words


def _is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    return min(len(one), len(other)) >= _LONG_ENOUGH_FOR_A_SLIP and _is_a_slip(one, other)


def _is_a_slip(one: str, other: str) -> bool:
    """Whether one letter put in, left out or changed makes one of the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    same = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    rest = long[same + 1 :]
    return rest in (short[same:], short[same + 1 :])
