"""What payment providers call. `ROUTES` is all of them."""

from app.web.callbacks.payments import hear_card, hear_mobilepay

ROUTES = (hear_card, hear_mobilepay)
