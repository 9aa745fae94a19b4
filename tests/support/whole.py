"""The whole web application in one process, as `main` puts it together."""

from __future__ import annotations

from litestar import Litestar
from litestar.types import ASGIApp

from app import doors
from app.main import build
from app.settings import Settings
from app.web.shared.doors import furnish
from tests.support.pages import shared


def whole_product(settings: Settings) -> ASGIApp:
    """The whole application, shared, with keys and doors of the test's own: a door remembers how it was treated."""
    app = shared(settings, build)
    doors.turn_keys(settings)
    furnish(framework_of(app).state, doors.web_house(settings))
    return app


def framework_of(app: object) -> Litestar:
    """The application without the wrappers around it."""
    while not isinstance(app, Litestar):
        app = vars(app)["_app"]
    return app
