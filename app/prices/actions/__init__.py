"""The verbs of what a shop pays.

| file | holds |
|---|---|
| `planning` | `set_plan`: the operator says what a shop pays from when on |
| `counting` | `count_due`, `count_step`: what purchases came to, read once each |
| `closing` | `close_due`: a month that is over gets its statement and is posted |
| `state` | the row that whoever counts or closes holds |
"""

from app.prices.actions.closing import close_due
from app.prices.actions.counting import count_due
from app.prices.actions.planning import set_plan

__all__ = ["close_due", "count_due", "set_plan"]
