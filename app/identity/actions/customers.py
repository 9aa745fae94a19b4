"""The verbs on customers: recognise by phone and postcode, remember a verified identity, prove a phone.

Each runs inside its caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.identity.ports import VerifiedIdentity
from app.kernel import db, ids, keys

NATIONAL_NUMBER_PURPOSE: Final = "national-number"
# Before a merchant's public id: its staff has said who this is. Good for one purchase; no code stands for it later.
STAFF_ISSUER: Final = "staff:"


@dataclass(frozen=True, slots=True)
class KnownContact:
    """What a visit told of a person besides the verified name. A proved phone came with a right code."""

    country: str
    postcode: str | None = field(default=None, repr=False)
    proved_phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    street: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)


# A phone that was only claimed under a strong identification counts once a code has reached it, and only when no two
# people claim it.
_RECOGNISE: Final = """
SELECT c.id, c.phone FROM customers c
WHERE c.state = 'active' AND c.postcode = $2
  AND EXISTS (SELECT FROM verified_identities v WHERE v.customer_id = c.id AND NOT starts_with(v.issuer, $4))
  AND (c.phone = $1 OR (c.claimed_phone = $1
       AND NOT EXISTS (SELECT FROM customers o WHERE o.state = 'active' AND o.phone = $1)
       AND (SELECT count(*) FROM customers o WHERE o.state = 'active' AND o.claimed_phone = $1) = 1))
  AND ($3::uuid IS NULL OR EXISTS (SELECT FROM profiles p WHERE p.merchant_id = $3 AND p.customer_id = c.id))
FOR UPDATE
"""


async def recognise(phone: str, postcode: str, only_at: UUID | None = None) -> UUID | None:
    """The customer with a strongly verified identity whose phone this is and whose postcode matches; else None.

    `only_at` is a merchant that recognises nobody but its own customers. Call it only after a right code on that phone.
    """
    row = await db.fetch_one(_RECOGNISE, phone, postcode, only_at, STAFF_ISSUER)
    if row is None:
        return None
    customer_id = row["id"]
    assert isinstance(customer_id, UUID)
    if row["phone"] != phone:
        await db.execute(
            "UPDATE customers SET phone = $2, claimed_phone = NULL WHERE id = $1", customer_id, phone
        )
    return customer_id


# Nothing that is only claimed counts here: a code of the purchase itself reached this phone.
_VOUCHED: Final = """
SELECT c.id FROM customers c
WHERE c.state = 'active' AND c.phone = $1 AND c.postcode = $2
  AND EXISTS (SELECT FROM verified_identities v WHERE v.customer_id = c.id AND starts_with(v.issuer, $3))
FOR UPDATE
"""


async def owner_of(phone: str, postcode: str) -> UUID | None:
    """Whose purchases are shown to whoever holds this phone and knows the postcode: whom `recognise` finds, and who
    bought by this proved phone when a shop's staff had made sure who they are. Those see what they have at that shop
    alone, and no purchase takes it for an identification. Call it only after a right code on that phone.
    """
    known = await recognise(phone, postcode)
    if known is not None:
        return known
    found = await db.fetch_value(_VOUCHED, phone, postcode, STAFF_ISSUER)
    assert found is None or isinstance(found, UUID)
    return found


async def remember_identity(identity: VerifiedIdentity, contact: KnownContact, now: datetime) -> UUID:
    """The customer of a verified identity, made at the first visit. The key is (issuer, subject).

    What the provider says of the person replaces what we held; contact details are filled where they were unknown.
    """
    customer_id = await _customer_of(identity, contact, now)
    await _attach_contact(customer_id, contact)
    return customer_id


_FIND_IDENTITY: Final = """
UPDATE verified_identities SET name = $3, birthdate = $4, acr = $5, verified_at = $6,
       national_number = coalesce($7, national_number)
WHERE issuer = $1 AND subject = $2 RETURNING customer_id
"""

_NEW_CUSTOMER: Final = """
WITH customer AS (
    INSERT INTO customers (id, public_id, country, name, state, created_at)
    VALUES ($1, $2, $3, $4, 'active', $5)
)
INSERT INTO verified_identities (id, customer_id, issuer, subject, name, birthdate, country, acr, national_number,
                                 verified_at)
VALUES ($6, $1, $7, $8, $4, $9, $10, $11, $12, $5)
"""


async def _customer_of(identity: VerifiedIdentity, contact: KnownContact, now: datetime) -> UUID:
    # Two returns of one person at once: the second waits here and then finds what the first one made.
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{identity.issuer} {identity.subject}"
    )
    number = _sealed(identity.national_number)
    found = await db.fetch_value(
        _FIND_IDENTITY,
        identity.issuer,
        identity.subject,
        identity.name,
        identity.birthdate,
        identity.acr,
        now,
        number,
    )
    if found is not None:
        assert isinstance(found, UUID)
        return found
    customer_id = ids.internal_id()
    await db.execute(
        _NEW_CUSTOMER,
        customer_id,
        ids.public_id("cus"),
        contact.country,
        identity.name,
        now,
        ids.internal_id(),
        identity.issuer,
        identity.subject,
        identity.birthdate,
        identity.country,
        identity.acr,
        number,
    )
    return customer_id


async def _attach_contact(customer_id: UUID, contact: KnownContact) -> None:
    if contact.proved_phone is not None:
        # The number has changed hands: a code proves who holds it today.
        await db.execute(
            "UPDATE customers SET phone = NULL WHERE phone = $1 AND state = 'active' AND id <> $2",
            contact.proved_phone,
            customer_id,
        )
    await db.execute(
        """UPDATE customers SET phone = coalesce($2, phone), postcode = coalesce($3, postcode),
               email = coalesce(email, $4), street = coalesce(street, $5), city = coalesce(city, $6)
           WHERE id = $1""",
        customer_id,
        contact.proved_phone,
        contact.postcode,
        contact.email,
        contact.street,
        contact.city,
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """A customer whose phone a number is today."""

    id: UUID
    public_id: str


async def holder_of(phone: str) -> Holder | None:
    """Whose phone this is now, held until the transaction ends."""
    row = await db.fetch_one(
        "SELECT id, public_id FROM customers WHERE state = 'active' AND phone = $1 FOR UPDATE", phone
    )
    return None if row is None else Holder(row["id"], row["public_id"])


def _sealed(national_number: str | None) -> bytes | None:
    if national_number is None:
        return None
    return keys.process_keyring().seal(NATIONAL_NUMBER_PURPOSE, national_number.encode())


async def prove_phone(customer_id: UUID, phone: str, postcode: str, now: datetime) -> None:
    """A right code came back from this phone: it is this customer's from now on."""
    del now
    await _attach_contact(customer_id, KnownContact(country="", postcode=postcode, proved_phone=phone))


# The profile that joins a customer to a merchant is made by the first purchase there. A phone is claimed by buying with
# it in sight, never by identifying alone: whoever is lured to a bank must not lend their name to a stranger's phone.
_BOUGHT: Final = """
WITH profile AS (
    INSERT INTO profiles (merchant_id, id, customer_id, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (merchant_id, customer_id) DO NOTHING
)
UPDATE customers SET email = coalesce($5, email), street = coalesce($6, street), city = coalesce($7, city),
    postcode = coalesce(postcode, $8), claimed_phone = CASE WHEN phone IS NULL THEN coalesce($9, claimed_phone) END
WHERE id = $3
"""


async def bought(
    merchant_id: UUID,
    customer_id: UUID,
    *,
    email: str | None,
    street: str | None,
    city: str | None,
    postcode: str | None,
    phone: str | None,
    now: datetime,
) -> None:
    """A purchase: the customer has a profile with the merchant, and what was typed is never asked again. A `phone` that
    no code has proved is kept as claimed."""
    await db.execute(
        _BOUGHT, merchant_id, ids.internal_id(), customer_id, now, email, street, city, postcode, phone
    )
