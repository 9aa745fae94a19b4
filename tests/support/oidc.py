"""An OpenID provider that says whatever a test wants, as an ASGI application in this process.

It is written against the standard and not against our client: it checks the client's assertion, its signed request and
its PKCE verifier with its own few lines, and keeps what it was sent for the test to look at. Unless a test says
otherwise it speaks the full profile: pushed requests, and everything about a person signed and then encrypted.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwe, jws
from joserfc.jwk import ECKey, KeySet, RSAKey

ISSUER = "https://bank.example/tenant"
CLIENT_ID = "kolme"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOA2 = "http://ftn.ficora.fi/2017/loa2"
NUMBER = "030271-952K"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Claims = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One whole answer, instead of the right one."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),)


@dataclass
class ScriptedProvider:
    """`key` signs, `published` are shown; claims are changed by `change`; `make_token` makes the ID token that is then
    sealed, `seal` and `seal_userinfo` seal in another way; `instead` overrides an address by its path; an address in
    `silent` never answers."""

    client_keys: KeySet | None = None
    issuer: str = ISSUER
    key: RSAKey | ECKey = field(default_factory=lambda: signing_key("one"))
    published: Sequence[RSAKey | ECKey] | None = None
    metadata_change: dict[str, object] = field(default_factory=dict)
    change: Claims = field(default_factory=dict)
    without: tuple[str, ...] = ()
    header_change: dict[str, object] = field(default_factory=dict)
    make_token: Callable[[Claims], str] | None = None
    sealed_to: RSAKey | None = None
    seal: Callable[[str], str] | None = None
    seal_userinfo: Callable[[str], str] | None = None
    plain_userinfo: bool = False
    userinfo_change: Claims = field(default_factory=dict)
    takes_pushed: bool = True
    now: Callable[[], datetime] = lambda: NOW
    requests: dict[str, dict[str, str]] = field(default_factory=dict)
    instead: dict[str, Told] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    nonce: str = ""
    code_challenge: str = ""

    def visited(self, url: str) -> dict[str, str]:
        """What a browser brings that was sent to `url`: reads the request, and returns the answer's parameters."""
        asked = self.request_in(url)
        self.nonce, self.code_challenge = asked["nonce"], asked["code_challenge"]
        return {"code": "a-code", "state": asked["state"], "iss": self.issuer}

    def request_in(self, url: str) -> dict[str, str]:
        """The parameters that an address stands for: pushed before, signed inside, or plain."""
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        if "request_uri" in query:
            assert set(query) == {"client_id", "request_uri"}, "a pushed request needs nothing beside it"
            return self.requests[query["request_uri"]]
        return self._unsigned(query)

    def _unsigned(self, form: dict[str, str]) -> dict[str, str]:
        if "request" not in form:
            return form
        if self.client_keys is not None:
            signed = jws.deserialize_compact(form["request"], self.client_keys, algorithms=["ES256", "RS256"])
        else:
            signed = jws.extract_compact(form["request"].encode())
        claims: dict[str, object] = json.loads(signed.payload)
        assert (claims["iss"], claims["aud"]) == (form["client_id"], self.issuer)
        return {name: str(value) for name, value in claims.items()}

    def count(self, path: str) -> int:
        return sum(1 for asked, _, _ in self.asked if asked == path)

    def form_sent(self) -> dict[str, str]:
        return next(form for path, form, _ in self.asked if path == "/token")

    def pushed_form(self) -> dict[str, str]:
        return next(form for path, form, _ in self.asked if path == "/par")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(urlsplit(self.issuer).path)
        form = dict(parse_qsl((await receive()).get("body", b"").decode()))
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.asked.append((path, form, headers))
        if path in self.silent:
            await asyncio.Event().wait()
        told = self.instead.get(path) or self._right_answer(path, form, headers)
        await send({"type": "http.response.start", "status": told.status, "headers": list(told.headers)})
        await send({"type": "http.response.body", "body": told.body})

    def _right_answer(self, path: str, form: dict[str, str], headers: dict[str, str]) -> Told:
        match path:
            case "/.well-known/openid-configuration":
                return told_json(self._metadata())
            case "/jwks":
                keys = self.published if self.published is not None else [self.key]
                return told_json({"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]})
            case "/token":
                return self._tokens(form)
            case "/par":
                return self._take_request(form)
            case "/userinfo":
                assert headers["authorization"] == "Bearer an-access-token"
                return self._userinfo({"sub": "person-1", **self._attributes(), **self.userinfo_change})
            case _:
                return Told(404)

    def _metadata(self) -> dict[str, object]:
        addresses = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "jwks",
        }
        return {
            "issuer": self.issuer,
            **{name: f"{self.issuer}/{path}" for name, path in addresses.items()},
            **({"pushed_authorization_request_endpoint": f"{self.issuer}/par"} if self.takes_pushed else {}),
            "authorization_response_iss_parameter_supported": True,
            **self.metadata_change,
        }

    def _tokens(self, form: dict[str, str]) -> Told:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if challenge.rstrip(b"=").decode() != self.code_challenge or form["code"] != "a-code":
            return told_json({"error": "invalid_grant"}, 400)
        if self.client_keys is not None:
            jws.deserialize_compact(form["client_assertion"], self.client_keys, algorithms=["ES256", "RS256"])
        claims = {**self._claims(), **self.change}
        for name in self.without:
            claims.pop(name)
        token = self.signed(claims) if self.make_token is None else self.make_token(claims)
        told = (self.seal or self.sealed)(token)
        return told_json({"access_token": "an-access-token", "token_type": "Bearer", "id_token": told})

    def _take_request(self, form: dict[str, str]) -> Told:
        if self.client_keys is not None:
            jws.deserialize_compact(form["client_assertion"], self.client_keys, algorithms=["ES256", "RS256"])
        reference = f"urn:ietf:params:oauth:request_uri:{len(self.requests)}"
        self.requests[reference] = self._unsigned(form)
        return told_json({"request_uri": reference, "expires_in": 60}, 201)

    def _userinfo(self, claims: Claims) -> Told:
        if self.plain_userinfo:
            return told_json(claims)
        told = (self.seal_userinfo or self.sealed)(self.signed(claims))
        return Told(200, told.encode(), ((b"content-type", b"application/jwt"),))

    def sealed(self, token: str, **header: object) -> str:
        """Encrypted to the client, if it has a key for that."""
        if self.sealed_to is None:
            return token
        return sealed_to(self.sealed_to, token, **header)

    def signed(self, claims: Claims) -> str:
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        header = {"alg": algorithm, "kid": self.key.kid, **self.header_change}
        return jws.serialize_compact(header, json.dumps(claims), self.key, algorithms=[str(header["alg"])])

    def _claims(self) -> Claims:
        now_s = int(self.now().timestamp())
        return {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "iat": now_s,
            "exp": now_s + 300,
            "auth_time": now_s - 5,
            "nonce": self.nonce,
            "acr": LOA2,
        }

    def _attributes(self) -> Claims:
        return {"name": "Maija Meikäläinen", "birthdate": "1971-02-03", "urn:oid:1.2.246.21": NUMBER}


def told_json(content: object, status: int = 200) -> Told:
    return Told(status, json.dumps(content).encode())


def signing_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


def sealed_to(key: RSAKey, token: str, **header: object) -> str:
    """A token encrypted to a key, with RSA-OAEP-256 and A256GCM unless the header says otherwise."""
    whole: dict[str, Any] = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": key.kid} | header
    whole = {name: value for name, value in whole.items() if value is not None}
    algorithms = [whole["alg"], whole["enc"], *([whole["zip"]] if "zip" in whole else [])]
    return jwe.encrypt_compact(whole, token, key, algorithms=algorithms)


def encoded(part: object) -> str:
    """A part of a token made by hand."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
