"""Builds the web application."""

from __future__ import annotations

from litestar import HttpMethod, Litestar, route
from litestar.enums import MediaType


@route(
    "/healthz", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.TEXT, sync_to_thread=False
)
def healthz() -> str:
    """The process answers."""
    return "ok"


def create_app() -> Litestar:
    return Litestar([healthz], openapi_config=None)
