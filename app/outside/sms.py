"""The SMS gateway, and the sandbox phone that stands in for it."""

from __future__ import annotations

import asyncio

import httpx

from app.kernel import db
from app.messages.ports import NotTaken, Sms
from app.messages.sandbox_inbox import remember_message
from app.settings import SmsDoor as SmsSettings


class GatewaySms:
    """A gateway that takes `{"to", "text"}` as JSON with a Bearer token and answers 2xx once it has the message."""

    def __init__(self, settings: SmsSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        # No connection is kept: one that the gateway closes as a code leaves would leave it unknown whether it came.
        self._client = httpx.AsyncClient(
            transport=transport,
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, message: Sms, timeout_s: float) -> None:
        db.refuse_in_transaction("sms")
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.post(
                    self._settings.url,
                    json={"to": message.to, "text": message.text},
                    headers={"Authorization": f"Bearer {self._settings.token}"},
                    timeout=timeout_s,
                )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotTaken("unreachable", certain=True) from error
        except (TimeoutError, httpx.HTTPError) as error:
            raise NotTaken("no_answer", certain=False) from error
        if not response.is_success:
            raise NotTaken(f"status_{response.status_code}", certain=response.is_client_error)


class SandboxPhone:
    """Test mode: every message is kept, and seen beside the page."""

    async def send(self, message: Sms, timeout_s: float) -> None:
        del timeout_s
        db.refuse_in_transaction("sms")
        await remember_message("sms", message.to, body=message.text, merchant_id=message.merchant_id)
