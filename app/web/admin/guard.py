"""The guard before every handler of the admin: none is reached without a session and the right role."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from app.web.admin.access import OPEN, ROLES_OF, sign_in_url, visitor_of
from app.web.admin.pages import show
from app.web.shared.rendering import redirect


async def admit(request: Request[Any, Any, Any]) -> Response[str] | None:
    """None lets the request in. Without a session it is led to the sign-in page; a role that may not gets 403."""
    name = request.route_handler.name or ""
    if name in OPEN:
        return None
    visitor = await visitor_of(request)
    if visitor is None:
        return redirect(request, sign_in_url(request), leave=True)
    request.scope["user"] = visitor
    if visitor.staff.role not in ROLES_OF.get(name, frozenset()):
        return await show(request, "admin/forbidden.html", {}, section="", status=403)
    return None
