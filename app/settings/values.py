"""How single values are read from the environment. Each refuses with the name of its variable."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from app.settings.shapes import SettingsError

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off"})


def text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    """The value without blanks around it; `default` where it is empty or absent."""
    return environ.get(name, "").strip() or default


def flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Raises SettingsError for a word that is neither on nor off."""
    value = text(environ, name).lower()
    if not value:
        return default
    if value in _ON:
        return True
    if value in _OFF:
        return False
    raise SettingsError(f"{name} must be on or off, not {value!r}.")


def split(name: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    """An address in its parts, with a host and one of the schemes. Raises SettingsError."""
    try:
        parts = urlsplit(value)
        _ = parts.port  # parsed lazily; a bad port raises here rather than at first use
    except ValueError:
        raise SettingsError(f"{name} is not an address that can be read.") from None
    if parts.scheme not in schemes or not parts.hostname:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise SettingsError(f"{name} must be an address that begins with {wanted} and names a host.")
    return parts


def web_address(name: str, value: str) -> str:
    """An http(s) address without a slash at its end. Raises SettingsError."""
    parts = split(name, value, ("https", "http"))
    if parts.username or parts.password or parts.fragment:
        raise SettingsError(f"{name} must carry no user name, password or fragment.")
    return value.rstrip("/")
