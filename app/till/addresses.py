"""What somebody probably meant who typed an e-mail address in a hurry. Only ever a question, never a refusal. Pure."""

from __future__ import annotations

from typing import Final

# Hosts of mail that many people here have; a typed host that is one of them, or near none, is left in peace.
_HOSTS: Final = (
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "yahoo.com",
    "ymail.com",
    "email.com",
    "mail.com",
    "gmx.com",
    "gmx.net",
    "proton.me",
    "protonmail.com",
    "aol.com",
    "luukku.com",
    "elisanet.fi",
    "kolumbus.fi",
    "saunalahti.fi",
    "hotmail.fi",
    "outlook.fi",
    "live.fi",
    "suomi24.fi",
    "telia.com",
    "hotmail.se",
    "live.se",
    "outlook.se",
    "yahoo.se",
    "bredband.net",
    "comhem.se",
    "spray.se",
    "hotmail.dk",
    "live.dk",
    "outlook.dk",
    "yahoo.dk",
    "mail.dk",
    "jubii.dk",
    "abv.bg",
    "mail.bg",
    "dir.bg",
)
# Endings that no host has, and what was meant.
_ENDINGS: Final = {
    "con": "com",
    "cmo": "com",
    "ocm": "com",
    "comm": "com",
    "coom": "com",
    "vom": "com",
    "xom": "com",
    "nte": "net",
    "fii": "fi",
    "ffi": "fi",
    "see": "se",
    "sse": "se",
    "dkk": "dk",
    "ddk": "dk",
    "bgg": "bg",
    "bbg": "bg",
}


def meant(email: str) -> str | None:
    """The address that was probably meant: `aino@gmial.com` -> `aino@gmail.com`. None when it looks as meant."""
    name, at, typed = email.rpartition("@")
    host = typed.casefold()
    if not at or host in _HOSTS:
        return None
    stem, _, ending = host.rpartition(".")
    mended = f"{stem}.{_ENDINGS[ending]}" if ending in _ENDINGS else host
    near = min(_HOSTS, key=lambda known: _distance(mended, known))
    # A short host is near to many others: it takes a smaller slip to be one of them.
    if _distance(mended, near) <= (2 if len(near) > 8 else 1):
        return f"{name}@{near}"
    return f"{name}@{mended}" if mended != host else None


def _distance(one: str, other: str) -> int:
    """How many slips lie between them: a letter more, less or other, or two neighbours swapped."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            best = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                best = min(best, before_last[column - 2] + 1)
            now.append(best)
        before_last, last = last, now
    return last[-1]
