"""Accounts, transfers, postings, lots, holds and seals. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table


class LedgerAccount(Table, tablename="ledger_accounts"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    address = Text(default=None)
    kind = Text(default=None)
    normal_side = Text(default=None)
    currency = Text(default=None)
    balance_minor = BigInt(default=None)
    held_minor = BigInt(default=0)
    debt_minor = BigInt(default=0)
    last_seq = BigInt(default=0)


class Transfer(Table, tablename="transfers"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    key = Text(default=None)
    cause = Text(default=None)
    about = Text(default=None)
    posted_at = Timestamptz(default=None)
    reverses_id = UUID(default=None, null=True)
    restores_id = UUID(default=None, null=True)


class Posting(Table, tablename="postings"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    transfer_id = UUID(default=None)
    account_id = UUID(default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
    account_seq = BigInt(default=None)
    balance_after_minor = BigInt(default=None)
    posted_at = Timestamptz(default=None)


class Lot(Table, tablename="lots"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    account_id = UUID(default=None)
    transfer_id = UUID(default=None)
    cause = Text(default=None)
    about = Text(default=None)
    amount_minor = BigInt(default=None)
    left_minor = BigInt(default=None)
    held_minor = BigInt(default=None)
    usable_from = Timestamptz(default=None, null=True)
    expires_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None)


class Hold(Table, tablename="holds"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    key = Text(default=None)
    about = Text(default=None)
    account_id = UUID(default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
    captured_minor = BigInt(default=0)
    state = Text(default=None)
    expires_at = Timestamptz(default=None)
    created_at = Timestamptz(default=None)


class HoldHistory(Table, tablename="hold_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(default=None, null=True)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class LotUse(Table, tablename="lot_uses"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    lot_id = UUID(default=None)
    transfer_id = UUID(default=None, null=True)
    hold_id = UUID(default=None, null=True)
    amount_minor = BigInt(default=None)
    at = Timestamptz(default=None)


class LedgerUnsealed(Table, tablename="ledger_unsealed"):
    merchant_id = UUID(default=None)
    transfer_id = UUID(primary_key=True, default=None)


class LedgerSeal(Table, tablename="ledger_seals"):
    merchant_id = UUID(default=None)
    number = BigInt(primary_key=True, default=None)
    previous_digest = Bytea(default=None, null=True)
    digest = Bytea(default=None)
    transfer_count = Integer(default=None)
    posting_count = Integer(default=None)
    sealed_at = Timestamptz(default=None)


class LedgerSealed(Table, tablename="ledger_sealed"):
    merchant_id = UUID(default=None)
    transfer_id = UUID(primary_key=True, default=None)
    seal_number = BigInt(default=None)
    position = Integer(default=None)


class MoneyFreeze(Table, tablename="money_freezes"):
    id = UUID(primary_key=True, default=None)
    because = Text(default=None)
    began_at = Timestamptz(default=None)
    ended_at = Timestamptz(default=None, null=True)
    ended_because = Text(default=None, null=True)


class BookProof(Table, tablename="book_proofs"):
    id = UUID(primary_key=True, default=None)
    kind = Text(default=None)
    violations = Integer(default=None)
    transfer_count = BigInt(default=None)
    took_ms = Integer(default=None)
    proven_at = Timestamptz(default=None)


class BookProofMark(Table, tablename="book_proof_marks"):
    merchant_id = UUID(primary_key=True, default=None)
    seal_number = BigInt(default=None)
    proven_at = Timestamptz(default=None)
