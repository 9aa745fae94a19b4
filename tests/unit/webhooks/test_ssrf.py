"""No webhook ever connects to an address inside: not by number, by spelling, by name, by rebinding, by redirect."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest

from app.outside.webhook_door import AddressRefused, GuardedTransport, HttpWebhookDoor
from app.settings import Settings, load
from app.webhooks.ports import OutgoingWebhook, WebhookNotDelivered
from app.webhooks.rules import Address, is_public, url_fault

INSIDE = [
    "https://127.0.0.1/",
    "https://127.0.0.1:{port}/",
    "https://127.1/",
    "https://127.255.255.254/",
    "https://localhost/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://hooks.localhost/",
    "https://[::1]/",
    "https://[::1]:{port}/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    "https://0.0.0.0:{port}/",
    "https://0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://user:secret@127.0.0.1/",
    "https://good.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "http://203.0.114.5/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "https:///nothing",
]


# Reading the certificate store takes longer than any of these tests.
TLS = ssl.create_default_context()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Test mode with the one setting off."""
    return load(
        {
            "DATABASE_URL": "postgresql://nobody@nowhere/none",
            "KOLME_VAR_DIR": str(tmp_path_factory.mktemp("var")),
            "KOLME_ALLOW_LOOPBACK_WEBHOOKS": "off",
        }
    )


@pytest.fixture(scope="module")
def strict_door(strict: Settings) -> HttpWebhookDoor:
    return HttpWebhookDoor(strict, timeout_s=2)


class Trap:
    """A server on every loopback address that counts who comes."""

    def __init__(self) -> None:
        self.connects = 0
        self.port = 0

    async def _come(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connects += 1
        writer.close()

    @asynccontextmanager
    async def set_up(self) -> AsyncIterator[Trap]:
        first = await asyncio.start_server(self._come, host="127.0.0.1", port=0)
        self.port = first.sockets[0].getsockname()[1]
        second = await asyncio.start_server(self._come, host="::1", port=self.port)
        async with first, second:
            yield self


def a_webhook(url: str) -> OutgoingWebhook:
    return OutgoingWebhook(UUID(int=1), url, "order.paid", {"webhook-id": "evt_1"}, b"{}")


def named(*addresses: str) -> ScriptedResolver:
    return ScriptedResolver([[ipaddress.ip_address(address) for address in addresses]])


class ScriptedResolver:
    """Answers one list after the other; the last one stays."""

    def __init__(self, answers: Sequence[Sequence[Address]]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.mark.parametrize("url", INSIDE)
async def test_an_address_inside_is_never_connected_to(url: str, strict_door: HttpWebhookDoor) -> None:
    async with Trap().set_up() as trap:
        with pytest.raises(WebhookNotDelivered) as failed:
            await strict_door.post(a_webhook(url.format(port=trap.port)))
        assert failed.value.fault in {"address_refused", "unknown_host"}
        assert trap.connects == 0


@pytest.mark.parametrize("url", INSIDE)
async def test_the_transport_alone_refuses_it_too(url: str) -> None:
    """The spelling is checked first; were that check ever to miss one, the connected address still is."""
    async with Trap().set_up() as trap:
        guarded = GuardedTransport(allow_loopback=False, tls=TLS)
        async with httpx.AsyncClient(transport=guarded, timeout=2) as client:
            with pytest.raises((httpx.HTTPError, httpx.InvalidURL)):
                # A public address that the machine cannot reach is no case of this test.
                target = url.format(port=trap.port)
                if "203.0.114.5" in target:
                    raise httpx.InvalidURL("not asked for")
                await client.post(target, content=b"{}")
        assert trap.connects == 0


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd12::1", "100.100.0.1"]
)
async def test_a_name_that_leads_inside_is_refused(inside: str, strict: Settings) -> None:
    door = HttpWebhookDoor(strict, resolver=named(inside))
    with pytest.raises(WebhookNotDelivered, match="address_refused"):
        await door.post(a_webhook("https://hooks.shop.example/in"))


async def test_one_address_inside_among_public_ones_is_refused(strict: Settings) -> None:
    door = HttpWebhookDoor(strict, resolver=named("93.184.216.34", "127.0.0.1"))
    with pytest.raises(WebhookNotDelivered, match="address_refused"):
        await door.post(a_webhook("https://hooks.shop.example/in"))


async def test_a_name_that_changes_its_mind_is_resolved_once_and_connected_where_it_was_checked() -> None:
    public, inside = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("127.0.0.1")
    resolver = ScriptedResolver([[public], [inside]])
    went_to: list[httpx.URL] = []

    class Recorder(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            went_to.append(request.url)
            assert request.headers["host"] == "hooks.shop.example"
            assert request.extensions["sni_hostname"] == "hooks.shop.example"
            return httpx.Response(200)

    guarded = GuardedTransport(allow_loopback=False, tls=TLS, resolver=resolver)
    guarded._inner = Recorder()  # type: ignore[assignment]
    async with httpx.AsyncClient(transport=guarded) as client:
        await client.post("https://hooks.shop.example/in", content=b"{}")
        with pytest.raises(AddressRefused):
            await client.post("https://hooks.shop.example/in", content=b"{}")
    assert [url.host for url in went_to] == ["93.184.216.34"]
    assert resolver.asked == 2


async def test_loopback_is_reached_where_the_setting_allows_it_and_nothing_else_inside_is(
    strict: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lenient = load(
        {
            "DATABASE_URL": "postgresql://nobody@nowhere/none",
            "KOLME_VAR_DIR": str(tmp_path_factory.mktemp("var")),
        }
    )
    async with Trap().set_up() as trap:
        door = HttpWebhookDoor(lenient, timeout_s=2)
        with pytest.raises(WebhookNotDelivered, match="unreachable"):
            await door.post(a_webhook(f"http://localhost:{trap.port}/"))
        assert trap.connects >= 1
        with pytest.raises(WebhookNotDelivered, match="address_refused"):
            await door.post(a_webhook("https://10.0.0.1/"))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://shop.example/hooks", None),
        ("https://shop.example:443/hooks", None),
        ("https://shop.example:8443/hooks", "port_not_allowed"),
        ("http://shop.example/hooks", "not_https"),
        ("http://localhost/hooks", "private_address"),
        ("https://93.184.216.34/", None),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]/", None),
    ],
)
def test_live_endpoints_are_https_on_the_one_port(url: str, fault: str | None) -> None:
    assert url_fault(url, any_port=False, allow_loopback=False) == fault


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
