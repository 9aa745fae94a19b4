"""Webhooks over HTTP to addresses that strangers chose, so that no address inside our own network is ever reached.

A name is resolved here, every address it has is looked at, and the connection goes to one of those very addresses: a
name that resolves to something else a moment later changes nothing. The request still carries the name (Host, and the
certificate is checked against it). Redirects are not followed, proxies of the environment not used, and no more of the
answer is read than anyone needs.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx

from app.kernel import db
from app.kernel.tls import trusted
from app.messages.sandbox_inbox import remember_message
from app.settings import Settings
from app.webhooks.ports import OutgoingWebhook, WebhookDoor, WebhookNotDelivered, WebhookReply
from app.webhooks.rules import Address, may_connect, url_fault

TIMEOUT_S: Final = 10.0
REPLY_MAX_BYTES: Final = 64 * 1024

Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]


class AddressRefused(httpx.ConnectError):
    """The host resolves to an address that webhooks must not reach."""


class UnknownHost(httpx.ConnectError):
    """The host resolves to nothing."""


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Every address of a host, in the system's order. Raises UnknownHost."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnknownHost("the host resolves to nothing") from None
    # A scope ("%eth0") behind a link-local address is no part of it for the check that follows.
    return list(dict.fromkeys(ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found))


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to the addresses that were checked, and to nothing else."""

    def __init__(self, *, allow_loopback: bool, tls: ssl.SSLContext, resolver: Resolver = resolve) -> None:
        self._allow_loopback = allow_loopback
        self._resolver = resolver
        self._inner = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, retries=0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await self._resolver(host, port)
        if not addresses:
            raise UnknownHost("the host resolves to nothing")
        # One bad address among good ones is as bad as only bad ones: which is tried would be chance.
        if not all(may_connect(address, allow_loopback=self._allow_loopback) for address in addresses):
            raise AddressRefused("the host resolves to an address that is not public")
        failed: httpx.ConnectError | None = None
        for address in addresses[:2]:
            try:
                return await self._inner.handle_async_request(_to(address, request))
            except httpx.ConnectError as error:
                failed = error
        assert failed is not None, "there was an address to try"
        raise failed

    async def aclose(self) -> None:
        await self._inner.aclose()


def _to(address: Address, request: httpx.Request) -> httpx.Request:
    """The same request to a number instead of a name; the Host header is already that of the name."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


class HttpWebhookDoor:
    """`WebhookDoor` over the network. One instance a process; no connection outlives its request."""

    def __init__(
        self, settings: Settings, *, timeout_s: float = TIMEOUT_S, resolver: Resolver = resolve
    ) -> None:
        self._any_port = settings.is_test
        self._allow_loopback = settings.allow_loopback_webhooks
        self._timeout_s = timeout_s
        self._resolver = resolver

    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        """Raises WebhookNotDelivered."""
        db.refuse_in_transaction("webhook")
        # Settings may have changed since the endpoint was added.
        if url_fault(webhook.url, any_port=self._any_port, allow_loopback=self._allow_loopback):
            raise WebhookNotDelivered("address_refused")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(webhook)
        except TimeoutError:
            raise WebhookNotDelivered("timeout") from None
        except AddressRefused:
            raise WebhookNotDelivered("address_refused") from None
        except UnknownHost:
            raise WebhookNotDelivered("unknown_host") from None
        except httpx.TimeoutException:
            raise WebhookNotDelivered("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise WebhookNotDelivered("unreachable") from None

    async def _send(self, webhook: OutgoingWebhook) -> WebhookReply:
        transport = GuardedTransport(
            allow_loopback=self._allow_loopback, tls=trusted(), resolver=self._resolver
        )
        # Compressed answers are not asked for: a few bytes of one could unpack to many.
        headers = {**webhook.headers, "accept-encoding": "identity"}
        async with (
            httpx.AsyncClient(
                transport=transport, timeout=self._timeout_s, follow_redirects=False, trust_env=False
            ) as client,
            client.stream("POST", webhook.url, headers=headers, content=webhook.body) as response,
        ):
            await _read_to_the_end(response)
            return WebhookReply(response.status_code, response.headers.get("retry-after"))


async def _read_to_the_end(response: httpx.Response) -> None:
    """What the receiver says beside its status does not matter, but one that never stops talking is broken."""
    read_bytes = 0
    async for chunk in response.aiter_raw():
        read_bytes += len(chunk)
        if read_bytes > REPLY_MAX_BYTES:
            raise WebhookNotDelivered("reply_too_large")


class RememberingWebhookDoor:
    """Test mode: webhooks are sent as ever, and each try is seen beside the page as well."""

    def __init__(self, inner: WebhookDoor) -> None:
        self._inner = inner

    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        outcome = "not sent"
        try:
            reply = await self._inner.post(webhook)
            outcome = f"answered {reply.status}"
            return reply
        except WebhookNotDelivered as failed:
            outcome = failed.fault
            raise
        finally:
            await remember_message(
                "webhook",
                webhook.url,
                subject=f"{webhook.event_type}: {outcome}",
                body=webhook.body.decode(),
                merchant_id=webhook.merchant_id,
            )
