"""The verbs that write to the ledger. They only add, and run inside the caller's transaction.

| file | holds |
|---|---|
| `posting` | `post`: transfers over accounts without lots |
| `moving` | `put`, `take`, `claw_back`, `restore`: accounts with lots |
| `holding` | `hold`, `outlast`, `capture`, `release`, `expire_holds` |
| `lapsing` | `expire_lots` |
| `reversing` | `reverse` |
| `sealing` | `seal`: chains what was committed |
| `proving` | what was proven when |
| `freezing` | `freeze`, `unfreeze` |
| `purses`, `originals` | what those share |
"""

from app.ledger.actions.freezing import freeze, freeze_now, unfreeze, unfreeze_now
from app.ledger.actions.holding import Hold, capture, expire_holds, hold, outlast, release
from app.ledger.actions.lapsing import expire_lots
from app.ledger.actions.moving import ClawedBack, claw_back, put, restore, take
from app.ledger.actions.posting import post
from app.ledger.actions.proving import mark_proven, note_proof
from app.ledger.actions.purses import lock
from app.ledger.actions.reversing import reverse
from app.ledger.actions.sealing import seal
from app.ledger.lots import NewLot

__all__ = [
    "ClawedBack",
    "Hold",
    "NewLot",
    "capture",
    "claw_back",
    "expire_holds",
    "expire_lots",
    "freeze",
    "freeze_now",
    "hold",
    "lock",
    "mark_proven",
    "note_proof",
    "outlast",
    "post",
    "put",
    "release",
    "restore",
    "reverse",
    "seal",
    "take",
    "unfreeze",
    "unfreeze_now",
]
