"""Answers that must identify nobody: forged, replayed, late, elsewhere, copied, somebody else's, or plain garbage."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.checkout import actions
from app.checkout.steps import Progress
from app.identity.errors import PasskeyRefused
from app.identity.passkeys import SavedPasskey, check_saving, check_use, read_saving, read_use
from app.kernel import clock, db
from tests.factories.checkout import Shopper, a_merchant, an_identity
from tests.factories.passkeys import (
    PARTY,
    a_bank_customer,
    a_saved_passkey,
    a_shopper_at_identify,
    answer,
    asked,
    erase,
    use,
)
from tests.support.authenticator import Device, b64

usefixtures = pytest.mark.usefixtures("db")


async def refusal(shopper: Shopper, text: str) -> str:
    """The reason, after making sure that nobody was identified."""
    with pytest.raises(PasskeyRefused) as refused:
        await answer(shopper, text)
    assert not (await shopper.flow()).identified
    return refused.value.reason


def forged(text: str, **response: str) -> str:
    """The answer with parts of the device's response exchanged."""
    whole = json.loads(text)
    whole["response"].update(response)
    return json.dumps(whole)


@usefixtures
@pytest.mark.parametrize(
    ("lie", "client", "reason"),
    [
        ({}, {"challenge": b64(bytes(32))}, "stale"),
        ({}, {"type": "webauthn.create"}, "unproved"),
        ({}, {"crossOrigin": True}, "unproved"),
        ({"origin": "https://kolme.evil.example"}, {}, "unproved"),
        ({"origin": "http://localhost:9000"}, {}, "unproved"),
        ({"rp_id": "evil.example"}, {}, "unproved"),
        ({"verifies": False}, {}, "unverified"),
        ({"user_handle": b"x" * 32}, {}, "unproved"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, {}, "unproved"),
        ({"credential_id": b"never saved"}, {}, "unknown"),
    ],
    ids=[
        "another challenge",
        "an answer to saving",
        "from a frame of another site",
        "from another site",
        "from another port of the host",
        "for another relying party",
        "without asking the holder",
        "for another person's handle",
        "with another key",
        "of an unknown passkey",
    ],
)
async def test_an_answer_that_proves_nothing_identifies_nobody(
    lie: dict[str, Any], client: dict[str, Any], reason: str
) -> None:
    merchant = await a_merchant()
    honest = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    liar = honest.twin()
    for name, value in lie.items():
        setattr(liar, name, value)
    assert await refusal(shopper, liar.sign(await asked(shopper), **client)) == reason
    await use(shopper, honest)


@usefixtures
async def test_an_answer_without_a_handle_or_with_a_broken_signature_proves_nothing() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    whole = json.loads(device.sign(await asked(shopper)))
    del whole["response"]["userHandle"]
    assert await refusal(shopper, json.dumps(whole)) == "unproved"
    text = forged(device.sign(await asked(shopper)), signature=b64(b"no signature"))
    assert await refusal(shopper, text) == "unproved"


@usefixtures
async def test_an_unknown_passkey_and_a_removed_one_are_told_the_same() -> None:
    merchant = await a_merchant()
    removed = await a_saved_passkey(merchant)
    holder = await a_bank_customer(merchant)
    await actions.remove_passkey(await holder.flow(), await db.fetch_value("SELECT public_id FROM passkeys"))
    stranger = Device(user_handle=b"s" * 32)
    shopper = await a_shopper_at_identify(merchant)
    reasons = [await refusal(shopper, each.sign(await asked(shopper))) for each in (removed, stranger)]
    assert reasons == ["unknown", "unknown"]


@usefixtures
async def test_the_passkey_of_an_erased_customer_is_unknown() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    await erase("Aino Virta")
    shopper = await a_shopper_at_identify(merchant)
    assert await refusal(shopper, device.sign(await asked(shopper))) == "unknown"


# --- Challenges. ---


@usefixtures
async def test_an_answer_works_once_wherever_it_is_replayed() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper, other = await a_shopper_at_identify(merchant), await a_shopper_at_identify(merchant)
    text = device.sign(await asked(shopper))
    await asked(other)
    assert await refusal(other, text) == "stale"
    await answer(shopper, text)
    with pytest.raises(PasskeyRefused, match="stale"):
        await answer(shopper, text)


@usefixtures
async def test_a_wrong_answer_spends_its_challenge_too() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    options = await asked(shopper)
    assert await refusal(shopper, forged(device.sign(options), signature=b64(b"wrong"))) == "unproved"
    assert await refusal(shopper, device.sign(options)) == "stale"


@usefixtures
async def test_an_answer_after_five_minutes_is_late() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    text = device.sign(await asked(shopper))
    late = clock.wall() + timedelta(minutes=5, seconds=1)
    with pytest.raises(PasskeyRefused, match="stale"):
        await actions.identify_by_passkey(await shopper.flow(), text, shopper.browser, PARTY, late)


@usefixtures
async def test_the_business_clock_makes_no_challenge_older_or_younger() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    text = device.sign(await asked(shopper))
    await db.in_tx(lambda: clock.set_offset_s(3600))
    await answer(shopper, text)


@usefixtures
@pytest.mark.parametrize("changed", [{"total_minor": 12_901}, {"currency": "SEK"}, {"version": 2}])
async def test_an_answer_approves_what_was_shown_and_nothing_else(changed: dict[str, Any]) -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    text = device.sign(await asked(shopper))
    flow = replace(await shopper.flow(), **changed)
    with pytest.raises(PasskeyRefused, match="stale"):
        await actions.identify_by_passkey(flow, text, shopper.browser, PARTY, clock.wall())


@usefixtures
async def test_another_browser_cannot_answer_for_this_one() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    thief = Shopper.at(shopper.session)
    await asked(thief)
    assert await refusal(thief, device.sign(await asked(shopper))) == "stale"


@usefixtures
async def test_two_tabs_each_have_a_challenge_and_the_first_answer_counts() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    other_tab = Shopper(shopper.session, shopper.browser)
    texts = [device.sign(await asked(tab)) for tab in (shopper, other_tab)]
    ended = await asyncio.gather(
        answer(shopper, texts[0]), answer(other_tab, texts[1]), return_exceptions=True
    )
    refused = [each for each in ended if isinstance(each, PasskeyRefused)]
    assert [each.reason for each in refused] == ["stale"]
    assert len(ended) == 2
    winner = other_tab if isinstance(ended[0], PasskeyRefused) else shopper
    assert (await winner.flow()).progress is Progress.IDENTIFIED


@usefixtures
async def test_the_passkey_of_another_does_not_take_over_a_session_that_is_somebodys() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant, identity=an_identity("eero", "Eero Salo"))
    owner = await a_bank_customer(merchant)
    other = Shopper.at(owner.session)
    assert await refusal(other, device.sign(await asked(other))) == "other_person"
    assert (await owner.flow()).progress is Progress.IDENTIFIED


@usefixtures
async def test_the_owners_passkey_goes_on_in_another_browser() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    owner = await a_bank_customer(merchant)
    laptop = Shopper.at(owner.session)
    await use(laptop, device)
    assert (await laptop.flow()).progress is Progress.IDENTIFIED
    assert (await owner.flow()).progress is Progress.ELSEWHERE


# --- Counters. ---


@usefixtures
async def test_a_counter_that_goes_back_ends_the_passkey_and_its_copy() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant, Device(counts=True))
    copy = device.twin()
    await use(await a_shopper_at_identify(merchant), device)
    shopper = await a_shopper_at_identify(merchant)
    assert await refusal(shopper, copy.sign(await asked(shopper))) == "copied"
    for each in (device, copy):
        assert await refusal(shopper, each.sign(await asked(shopper))) == "unknown"
    assert await db.fetch_value("SELECT ended_by FROM passkeys") == "copy"
    assert await db.fetch_value("SELECT count(*) FROM audit_log WHERE action = 'passkey.copied'") == 1


@usefixtures
async def test_whoever_cannot_sign_cannot_make_a_passkey_look_copied() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant, Device(counts=True))
    forger = device.twin()
    forger.key, forger.counter = ec.generate_private_key(ec.SECP256R1()), -1
    shopper = await a_shopper_at_identify(merchant)
    assert await refusal(shopper, forger.sign(await asked(shopper))) == "unproved"
    await use(shopper, device)


# --- Garbage. ---

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_GARBAGE = st.text(max_size=200) | _JSON.map(json.dumps)
_PLACES = st.sampled_from(
    [
        "id",
        "rawId",
        "type",
        "response",
        "clientDataJSON",
        "authenticatorData",
        "signature",
        "attestationObject",
    ]
)


def spoilt(text: str, place: str, value: object) -> str:
    whole = json.loads(text)
    (whole if place in whole else whole["response"])[place] = value
    return json.dumps(whole)


@given(garbage=_GARBAGE, place=_PLACES, value=_JSON | st.binary(max_size=200).map(b64))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_garbage_is_refused_and_nothing_else_happens(garbage: str, place: str, value: object) -> None:
    device = Device()
    options = {"challenge": b64(bytes(32)), "user": {"id": b64(b"h" * 32)}}
    made, signed = device.make(options), device.sign(options)
    saved = SavedPasskey(b"no key", b"h" * 32, 0)
    for text in (garbage, spoilt(made, place, value)):
        with pytest.raises(PasskeyRefused):
            check_saving(read_saving(text), PARTY, b"other" * 6)
    for text in (garbage, spoilt(signed, place, value)):
        with pytest.raises(PasskeyRefused):
            check_use(read_use(text), saved, PARTY, bytes(32))
