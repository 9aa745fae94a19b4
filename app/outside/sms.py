"""The SMS gateway, and the sandbox phone that stands in for it."""

from __future__ import annotations

import asyncio
import base64
from typing import Final

import httpx
import msgspec
import structlog

from app.kernel import breakers, clock, db
from app.kernel.breakers import Breaker
from app.messages.ports import NotTaken, Sms
from app.messages.sandbox_inbox import remember_message
from app.outside.sms_profiles import SmsProfile, read_profile, value_at
from app.settings import SmsDoor as SmsSettings

BREAKER: Final = Breaker("sms")
_ANSWER_BYTES_MAX: Final = 64 * 1024
# Our own name and secret are refused: no message can leave, whoever it is for.
_OUR_FAULTS: Final = frozenset({401, 402, 403})
_log: Final = structlog.get_logger(__name__)


class GatewaySms:
    """A gateway that is spoken to as its profile says. It rests after five failures in a row (`kernel/breakers`)."""

    def __init__(
        self,
        settings: SmsSettings,
        profile: SmsProfile | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._profile = profile or read_profile(settings.gateway)
        # No connection is kept: one that the gateway closes as a code leaves would leave it unknown whether it came.
        self._client = httpx.AsyncClient(
            transport=transport,
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=False,
            # A few compressed bytes could unpack to many.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def send(self, message: Sms, timeout_s: float) -> None:
        db.refuse_in_transaction("sms")
        knock = await breakers.knock(BREAKER, clock.wall())
        if not knock.allowed:
            raise NotTaken("resting", certain=True)
        try:
            message_id = await self._send(message, timeout_s)
        except NotTaken as refusal:
            if _is_the_gateways(refusal):
                await breakers.failed(BREAKER, clock.wall())
            raise
        if knock.failed_lately:
            await breakers.worked(BREAKER)
        _log.info("sms_taken", gateway_id=message_id)

    async def _send(self, message: Sms, timeout_s: float) -> str | None:
        """The gateway's id of the message, where it tells one. Raises NotTaken."""
        request = self._request(message, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.send(request, stream=True)
                try:
                    if not response.is_success:
                        reason = f"status_{response.status_code}"
                        raise NotTaken(reason, certain=response.is_client_error)
                    return self._read(await _body(response))
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotTaken("unreachable", certain=True) from error
        except (TimeoutError, httpx.HTTPError) as error:
            raise NotTaken("no_answer", certain=False) from error

    def _request(self, message: Sms, timeout_s: float) -> httpx.Request:
        profile, door = self._profile, self._settings
        filled = profile.filled(
            {
                "to": message.to,
                "digits": message.to.removeprefix("+"),
                "text": message.text,
                "sender": door.sender,
                "user": door.user,
                "token": door.token,
            }
        )
        headers: dict[str, str] = {}
        match profile.auth:
            case "bearer":
                headers["Authorization"] = f"Bearer {door.token}"
            case "basic":
                pair = base64.b64encode(f"{door.user}:{door.token}".encode()).decode()
                headers["Authorization"] = f"Basic {pair}"
            case "header":
                headers[profile.auth_name] = door.token
            case "query" | "fields":
                pass
        return self._client.build_request(
            "POST",
            door.url,
            json=filled if profile.body == "json" else None,
            data=filled if profile.body == "form" else None,
            params={profile.auth_name: door.token} if profile.auth == "query" else None,
            headers=headers,
            timeout=timeout_s,
        )

    def _read(self, body: bytes) -> str | None:
        """A gateway may say 200 and mean no: then the message did not leave. One that cannot be understood may have
        taken it."""
        taken, id_path = self._profile.taken, self._profile.id_path
        if not taken.path and not id_path:
            return None
        try:
            answer: object = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if taken.path:
                raise NotTaken("garbage", certain=False) from None
            return None
        if taken.path:
            said = value_at(answer, taken.path)
            if said is None:
                raise NotTaken("garbage", certain=False)
            if said not in taken.values:
                raise NotTaken("refused", certain=True)
        return value_at(answer, id_path) if id_path else None


def _is_the_gateways(refusal: NotTaken) -> bool:
    """Whether the next message would fare no better. A phone that the gateway does not like says nothing of others."""
    if refusal.reason == "refused":
        return False
    status = refusal.reason.removeprefix("status_")
    return not status.startswith("4") or int(status) in _OUR_FAULTS


async def _body(response: httpx.Response) -> bytes:
    read = b""
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > _ANSWER_BYTES_MAX:
            raise NotTaken("garbage", certain=False)
    return read


class SandboxPhone:
    """Test mode: every message is kept, and seen beside the page."""

    async def send(self, message: Sms, timeout_s: float) -> None:
        del timeout_s
        db.refuse_in_transaction("sms")
        await remember_message("sms", message.to, body=message.text, merchant_id=message.merchant_id)
