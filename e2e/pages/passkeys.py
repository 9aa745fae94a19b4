"""A phone that can hold passkeys, and the pages that speak of them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import CDPSession, Locator, Route, expect

from e2e.browsing import Phone
from e2e.pages.flow import CONFIRMED, IDENTIFY

# What the page asks of us before it asks the device.
CHALLENGE = "**/passkey/challenge"


@dataclass(frozen=True, slots=True)
class Holder:
    """The device's own lock, as the browser's driver plays it: it opens at once, unless it is told otherwise."""

    _driver: CDPSession
    _id: str

    @classmethod
    def of(cls, phone: Phone) -> Holder:
        driver = phone.tab.context.new_cdp_session(phone.tab)
        driver.send("WebAuthn.enable")
        phone.worn = True
        made = driver.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        return cls(driver, made["authenticatorId"])

    def is_touched(self, *, at_once: bool) -> None:
        """Whether somebody answers what the device asks, without being waited for."""
        self._send("WebAuthn.setAutomaticPresenceSimulation", enabled=at_once)

    def unlocks(self, *, right: bool) -> None:
        """Whether finger, face or code are those of the holder."""
        self._send("WebAuthn.setUserVerified", isUserVerified=right)

    @property
    def passkeys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._send("WebAuthn.getCredentials")["credentials"]
        return found

    def holds_a_stranger(self) -> None:
        """A passkey for our host that we have never seen."""
        key = ec.generate_private_key(ec.SECP256R1())
        sealed = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        credential = {
            "credentialId": b64encode(b"nobody's passkey").decode(),
            "isResidentCredential": True,
            "rpId": "localhost",
            "privateKey": b64encode(sealed).decode(),
            "userHandle": b64encode(bytes(32)).decode(),
            "signCount": 1,
        }
        self._send("WebAuthn.addCredential", credential=credential)

    def _send(self, method: str, **more: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._driver.send(method, {"authenticatorId": self._id, **more})
        return answer


@dataclass(frozen=True, slots=True)
class PasskeyPages:
    phone: Phone

    @property
    def link(self) -> Locator:
        return self.phone.link("Use a passkey")

    @property
    def offer(self) -> Locator:
        return self.phone.button("Use a passkey next time")

    def use(self) -> None:
        """In step 2."""
        self.phone.sees(IDENTIFY)
        self.phone.tap(self.link)

    def use_and_touch(self, holder: Holder) -> None:
        """In step 2, by the press alone. The device answers what it is asked from now on, and never what it was asked
        before: so it is touched when the press has led to a question, and before that has come to the page."""

        def touched(route: Route) -> None:
            holder.is_touched(at_once=True)
            route.continue_()

        self.phone.tab.route(CHALLENGE, touched)
        self.use()

    def save(self) -> None:
        """After the purchase."""
        self.phone.sees(CONFIRMED)
        self.phone.tap(self.offer)
        saved = "Your passkey is saved. Next time it is enough that you unlock your device."
        expect(self.phone.tab.get_by_text(self.phone.words(saved))).to_be_visible()

    def see_all(self) -> None:
        self.phone.tap(self.phone.link("Your passkeys"))
        self.phone.sees("Your passkeys")

    def remove(self) -> None:
        self.phone.tap(self.phone.button("Remove").first)
        expect(self.phone.tab.get_by_text(self.phone.words("The passkey is removed."))).to_be_visible()
