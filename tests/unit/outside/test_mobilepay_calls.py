"""MobilePay's own calls: which are believed, which are not, and what they tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from app.kernel import clock
from app.outside.mobilepay import MobilePay
from app.outside.mobilepay_signature import AGE_MAX, check_signature
from app.payments.errors import CallbackForged
from app.payments.ports import Callback
from app.settings import MobilePayDoor
from app.web.sandbox.mobilepay_twin import signature_headers

HOST, PATH = "pay.shop.example", "/callbacks/mobilepay"
EVENT = {
    "msn": "123456",
    "reference": "pay-0123456789abcdefghjkmnpqrs",
    "pspReference": "psp-1",
    "name": "AUTHORIZED",
    "amount": {"currency": "EUR", "value": 12_345},
    "timestamp": "2026-11-22T10:00:00Z",
    "idempotencyKey": None,
    "success": True,
}
BODY = msgspec.json.encode(EVENT)


def mobilepay(*secrets: str) -> MobilePay:
    door = MobilePayDoor("https://api.example", "123456", "id", "s", "k", secrets or ("hook",))
    return MobilePay(door, manage_url="https://pay.shop.example/purchases")


def read(
    headers: dict[str, str],
    body: bytes = BODY,
    *,
    host: str = HOST,
    path: str = PATH,
    at: datetime | None = None,
    by: MobilePay | None = None,
) -> Callback:
    return (by or mobilepay()).read_callback(headers, body, host=host, path=path, wall=at or clock.wall())


def signed(body: bytes = BODY, secret: str = "hook") -> dict[str, str]:
    return signature_headers(body, HOST, PATH, secret)


def test_the_example_of_mobilepays_own_documents_is_believed() -> None:
    # The values stand in the Webhooks API's page on request authentication.
    headers = {
        "x-ms-date": "Thu, 30 Mar 2023 08:38:32 GMT",
        "x-ms-content-sha256": "lNlsp1XA03N34HrQsVzPgJKtC+r7l/RBF4V3JQUWMj4=",
        "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        "&Signature=agAiSyogQbDHpeucoNwYz+yAr5nJ+v+zasdkSbqzv+U=",
    }
    secret = "A0+AeKBRG2KRGvnNwJpQlb6IJFk48CKXCIcrLoHncVJKDILsQSxS6NWCccwWm6r6FhGKhiHTBsG2wo/xU6FY/A=="
    check_signature(
        headers,
        b'{"some-unique-content":"ee6e441b-cc4a-46f8-895d-a5af79bcc233/hello-world"}',
        secrets=[secret],
        host="webhook.site",
        path="/e2cee29b-012e-4f1d-8ef4-e95fd74a7a63",
        wall=datetime(2023, 3, 30, 8, 40, tzinfo=UTC),
    )


def test_a_call_tells_which_payment_to_ask_after() -> None:
    told = read(signed())
    assert told == Callback(
        "mobilepay:psp-1:AUTHORIZED", "pay-0123456789abcdefghjkmnpqrs", "pay_0123456789abcdefghjkmnpqrs"
    )


def test_a_call_that_is_repeated_is_known_again_and_another_thing_is_not() -> None:
    other = msgspec.json.encode({**EVENT, "pspReference": "psp-2", "name": "CAPTURED"})
    assert read(signed()).event_id == read(signed()).event_id
    assert read(signed(other), other).event_id != read(signed()).event_id


def test_a_call_about_a_charge_names_agreement_and_charge() -> None:
    body = msgspec.json.encode(
        {"eventType": "recurring.charge-captured.v1", "agreementId": "agr_1", "chargeId": "pay-later1"}
    )
    told = read(signed(body), body)
    assert (told.provider_ref, told.reference) == ("agr_1/pay-later1", "pay_later1")


def test_a_call_about_an_agreement_names_our_reference() -> None:
    body = msgspec.json.encode(
        {
            "eventType": "recurring.agreement-activated.v1",
            "agreementId": "agr_1",
            "agreementExternalId": "pay-0001",
        }
    )
    told = read(signed(body), body)
    assert (told.provider_ref, told.reference) == (None, "pay_0001")


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 99999999999999999999:00:00 GMT",
        "x",
        "",
    ],
)
def test_a_date_that_is_none_is_a_forged_call_and_no_error(date: str) -> None:
    with pytest.raises(CallbackForged):
        read({**signed(), "x-ms-date": date})


def test_the_headers_are_found_in_any_case() -> None:
    assert read({name.upper(): value for name, value in signed().items()}).reference is not None


def test_while_a_secret_is_exchanged_both_are_believed() -> None:
    both = mobilepay("next", "hook")
    assert read(signed(secret="hook"), by=both) == read(signed(secret="next"), by=both)


@pytest.mark.parametrize(
    "changes",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer hook"},
        {"x-ms-content-sha256": ""},
        {"x-ms-date": "yesterday"},
        {"x-ms-date": ""},
        {"x-ms-date": "Thu, 30 Mar 2023 08:38:32"},
    ],
)
def test_a_call_without_a_whole_signature_is_forged(changes: dict[str, str]) -> None:
    with pytest.raises(CallbackForged):
        read(signed() | changes)


def test_another_body_address_host_or_secret_is_forged() -> None:
    other = BODY.replace(b"12345", b"99999")
    with pytest.raises(CallbackForged):
        read(signed(), other)
    with pytest.raises(CallbackForged):
        read(signed(), path="/callbacks/card")
    with pytest.raises(CallbackForged):
        read(signed(), host="elsewhere.example")
    with pytest.raises(CallbackForged):
        read(signed(secret="guessed"))


@pytest.mark.parametrize("direction", [1, -1])
def test_a_call_is_believed_for_some_minutes_and_not_later(direction: int) -> None:
    headers, now = signed(), clock.wall()
    near = now + direction * (AGE_MAX - timedelta(seconds=30))
    far = now + direction * (AGE_MAX + timedelta(seconds=30))

    assert read(headers, at=near).reference is not None
    with pytest.raises(CallbackForged):
        read(headers, at=far)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{" * 1000, b'{"reference": 7}'])
def test_a_signed_call_without_sense_is_refused_as_a_forged_one_is(body: bytes) -> None:
    with pytest.raises(CallbackForged):
        read(signed(body), body)


def test_a_signed_call_about_nothing_of_ours_names_nothing() -> None:
    told = read(signed(b"{}"), b"{}")
    assert (told.provider_ref, told.reference) == (None, None)
