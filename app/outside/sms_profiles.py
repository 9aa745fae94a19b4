"""How an SMS gateway is spoken to, as data: where the secret goes, what the body looks like, and what counts as taken.

Three are ready-made in `gateways/`; an operator's own is a file of the same shape. Placeholders: `{to}` the phone in
E.164, `{digits}` the same without its plus, `{text}`, `{sender}`, `{user}`, `{token}`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

GATEWAYS: Final = Path(__file__).resolve().parent / "gateways"
Auth = Literal["bearer", "basic", "header", "query", "fields"]
PLACEHOLDERS: Final = ("to", "digits", "text", "sender", "user", "token")


class ProfileRefused(Exception):
    """The file is no gateway's profile; the text says why, for the operator."""


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A 2xx answer means that the message was taken when the value at `path` is one of `values`; else always."""

    path: str = ""
    values: tuple[str, ...] = ()


class MessageId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    auth: Auth
    body: Literal["json", "form"]
    fields: dict[str, str]
    auth_name: str = ""
    taken: Taken = Taken()
    id: MessageId = MessageId()


@dataclass(frozen=True, slots=True)
class SmsProfile:
    """`auth_name` is the header or query parameter that carries the token, where `auth` is one of those two."""

    auth: Auth
    auth_name: str
    body: Literal["json", "form"]
    fields: Mapping[str, str]
    taken: Taken = field(default_factory=Taken)
    id_path: str = ""

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """The fields of one message."""
        found: dict[str, str] = {}
        for name, template in self.fields.items():
            text = template
            # The text goes in last: what stands in it is never a placeholder.
            for placeholder in (*(word for word in PLACEHOLDERS if word != "text"), "text"):
                text = text.replace("{" + placeholder + "}", values[placeholder])
            found[name] = text
        return found


def read_profile(name_or_path: str) -> SmsProfile:
    """A ready-made profile by its name, or an operator's own by its path. Raises ProfileRefused."""
    ready_made = GATEWAYS / f"{name_or_path}.toml"
    path = ready_made if name_or_path.isidentifier() and ready_made.is_file() else Path(name_or_path)
    try:
        read = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except OSError:
        known = ", ".join(sorted(found.stem for found in GATEWAYS.glob("*.toml")))
        raise ProfileRefused(
            f"KOLME_SMS_GATEWAY is neither one of {known} nor a file that can be read."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as why:
        raise ProfileRefused(f"KOLME_SMS_GATEWAY: {path.name} is no gateway's profile: {why}.") from None
    if read.auth in {"header", "query"} and not read.auth_name:
        raise ProfileRefused(f"KOLME_SMS_GATEWAY: {path.name} must name the {read.auth} in auth_name.")
    told = " ".join(read.fields.values())
    if "{text}" not in told or not ("{to}" in told or "{digits}" in told):
        raise ProfileRefused(f"KOLME_SMS_GATEWAY: the fields of {path.name} must hold a phone and a text.")
    if bool(read.taken.path) != bool(read.taken.values):
        raise ProfileRefused(f"KOLME_SMS_GATEWAY: [taken] of {path.name} needs both a path and values.")
    return SmsProfile(read.auth, read.auth_name, read.body, read.fields, read.taken, read.id.path)


def value_at(answer: object, path: str) -> str | None:
    """The value at a path such as `messages.0.status` of a JSON answer, as text; None when there is none."""
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isascii() and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    if isinstance(answer, str):
        return answer
    return str(answer) if isinstance(answer, int) and not isinstance(answer, bool) else None
