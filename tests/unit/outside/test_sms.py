"""The SMS gateway: spoken to as its profile says, believed as far as its answer goes, left alone while it fails."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import msgspec
import pytest

from app.kernel import db
from app.messages.ports import NotTaken, Sms
from app.outside.sms import BREAKER, GatewaySms
from app.outside.sms_profiles import GATEWAYS, ProfileRefused, read_profile, value_at
from app.settings import SmsDoor

pytestmark = pytest.mark.usefixtures("db")

MESSAGE = Sms("+358480000101", "Your code is 123456. {token} @x", UUID(int=1))


class Gateway:
    """A gateway that answers as a test says and keeps what it was sent."""

    def __init__(self, *says: httpx.Response | Exception) -> None:
        self.says = list(says)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def door(self, gateway: str = "plain") -> GatewaySms:
        settings = SmsDoor("https://sms.example/send", "s3cret", gateway, "AC1", "Kolme")
        return GatewaySms(settings, transport=httpx.MockTransport(self))


def json(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode(body))


async def refusal_of(door: GatewaySms) -> tuple[str, bool]:
    with pytest.raises(NotTaken) as refused:
        await door.send(MESSAGE, 1.0)
    return refused.value.reason, refused.value.certain


async def test_the_plainest_gateway_gets_json_under_a_bearer_token() -> None:
    gateway = Gateway(httpx.Response(202))
    await gateway.door().send(MESSAGE, 1.0)
    [request] = gateway.asked
    assert request.headers["authorization"] == "Bearer s3cret"
    assert msgspec.json.decode(request.content) == {"to": MESSAGE.to, "text": MESSAGE.text}


async def test_twilio_gets_a_form_under_basic_authentication() -> None:
    gateway = Gateway(json(201, {"sid": "SM1", "status": "queued", "error_code": None}))
    await gateway.door("twilio").send(MESSAGE, 1.0)
    [request] = gateway.asked
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:s3cret").decode()
    form = parse_qs(request.content.decode())
    assert form == {"To": [MESSAGE.to], "From": ["Kolme"], "Body": [MESSAGE.text]}


async def test_vonage_is_believed_by_its_body_and_not_by_its_200() -> None:
    taken = json(200, {"message-count": "1", "messages": [{"status": "0", "message-id": "0C"}]})
    refused = json(
        200, {"message-count": "1", "messages": [{"status": "4", "error-text": "Bad Credentials"}]}
    )
    gateway = Gateway(taken, refused)
    door = gateway.door("vonage")
    await door.send(MESSAGE, 1.0)
    form = parse_qs(gateway.asked[0].content.decode())
    assert (form["to"], form["api_key"], form["api_secret"]) == (["358480000101"], ["AC1"], ["s3cret"])
    assert form["text"] == [MESSAGE.text], "what stands in a message is never a placeholder"
    assert await refusal_of(door) == ("refused", True)


@pytest.mark.parametrize(
    ("answer", "reason", "certain"),
    [
        (httpx.ConnectError("no"), "unreachable", True),
        (httpx.ReadTimeout("slow"), "no_answer", False),
        (httpx.RemoteProtocolError("cut"), "no_answer", False),
        (httpx.Response(500), "status_500", False),
        (httpx.Response(302), "status_302", False),
        (httpx.Response(400), "status_400", True),
        (httpx.Response(429), "status_429", True),
        (httpx.Response(200, content=b"<html>"), "garbage", False),
        (httpx.Response(200, content=b"\xff\xfe"), "garbage", False),
        (httpx.Response(200, content=b"9" * 100_000), "garbage", False),
        (httpx.Response(200, content=b'{"status": null}'), "garbage", False),
        (httpx.Response(200, content=b'{"status": "failed"}'), "refused", True),
    ],
)
async def test_each_bad_answer_says_whether_the_message_surely_did_not_leave(
    answer: httpx.Response | Exception, reason: str, certain: bool
) -> None:
    assert await refusal_of(Gateway(answer).door("twilio")) == (reason, certain)


@pytest.mark.parametrize("auth", ["header", "query"])
async def test_a_profile_of_the_operators_own_may_carry_the_token_elsewhere(
    auth: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        f'auth = "{auth}"\nauth_name = "X-Key"\nbody = "form"\n[fields]\nn = "{{digits}}"\nt = "{{text}}"\n'
    )
    gateway = Gateway(httpx.Response(200))
    await gateway.door(str(path)).send(MESSAGE, 1.0)
    [request] = gateway.asked
    carried = request.headers.get("x-key") if auth == "header" else request.url.params.get("X-Key")
    assert carried == "s3cret"


def test_every_ready_made_profile_can_be_read() -> None:
    names = {path.stem for path in GATEWAYS.glob("*.toml")}
    assert names == {"plain", "twilio", "vonage"}
    assert all(read_profile(name).fields for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all [",
        'auth = "magic"\nbody = "json"\n[fields]\nto = "{to}"\ntext = "{text}"',
        'auth = "header"\nbody = "json"\n[fields]\nto = "{to}"\ntext = "{text}"',
        'auth = "bearer"\nbody = "json"\n[fields]\nto = "{to}"',
        'auth = "bearer"\nbody = "json"\n[fields]\nto = "{to}"\ntext = "{text}"\n[taken]\npath = "x"',
        'auth = "bearer"\nbody = "json"\nsurprise = 1\n[fields]\nto = "{to}"\ntext = "{text}"',
    ],
)
def test_a_profile_that_cannot_work_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ProfileRefused, match="KOLME_SMS_GATEWAY"):
        read_profile(str(path))
    with pytest.raises(ProfileRefused, match="plain, twilio, vonage"):
        read_profile("nobody")


def test_a_path_into_an_answer_finds_text_and_numbers_alone() -> None:
    answer = {"a": [{"b": "x", "c": 0, "d": True}]}
    assert [value_at(answer, path) for path in ("a.0.b", "a.0.c", "a.0.d", "a.1.b", "a.x", "b")] == [
        "x",
        "0",
        None,
        None,
        None,
        None,
    ]


# --- the breaker --------------------------------------------------------------------------------------------


async def rest_is_over() -> None:
    await db.in_tx(lambda: db.execute("UPDATE breakers SET open_until = now() - interval '1 second'"))


async def test_after_five_failures_nobody_knocks_until_one_has_tried_and_it_worked() -> None:
    gateway = Gateway(httpx.Response(500))
    doors = [gateway.door(), gateway.door()]
    for number in range(BREAKER.failures):
        assert await refusal_of(doors[number % 2]) == ("status_500", False), "processes count together"
    assert await refusal_of(doors[0]) == ("resting", True)
    assert len(gateway.asked) == BREAKER.failures
    await rest_is_over()
    assert await refusal_of(doors[0]) == ("status_500", False)
    assert await refusal_of(doors[1]) == ("resting", True), "one tried, and it rests again"
    await rest_is_over()
    gateway.says = [httpx.Response(200)]
    await doors[0].send(MESSAGE, 1.0)
    await doors[1].send(MESSAGE, 1.0)
    assert await db.fetch_value("SELECT count(*) FROM breakers") == 0


async def test_failures_far_apart_and_phones_that_are_refused_rest_nobody() -> None:
    gateway = Gateway(httpx.Response(500))
    door = gateway.door()
    for _ in range(BREAKER.failures + 2):
        await refusal_of(door)
        await db.in_tx(lambda: db.execute("UPDATE breakers SET failed_at = now() - interval '31 seconds'"))
    gateway.says = [httpx.Response(400)]
    for _ in range(BREAKER.failures + 2):
        assert await refusal_of(door) == ("status_400", True)
    assert len(gateway.asked) == 2 * (BREAKER.failures + 2)


async def test_a_name_that_the_gateway_does_not_know_rests_it() -> None:
    gateway = Gateway(httpx.Response(401))
    door = gateway.door()
    for _ in range(BREAKER.failures + 3):
        await refusal_of(door)
    assert len(gateway.asked) == BREAKER.failures


async def test_a_gateway_that_is_well_costs_one_query() -> None:
    door = Gateway(httpx.Response(200)).door()
    with db.counting() as counts:
        await door.send(MESSAGE, 1.0)
    assert (counts.queries, counts.writes, counts.commits) == (1, 0, 0)
