"""Answer a request with a page: its language, its principal and its anti-forgery token are in every template.

Page modules use this and nothing else of rendering.
"""

from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from hubwell.http.guard import principal_of
from hubwell.vocabulary import Role
from hubwell.web.kit.evacuation import banner
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.language import language_of
from hubwell.web.kit.navigation import navigation
from hubwell.web.kit.render import renderer_of


def formatter_for(request: Request, language: str | None = None) -> Formatter:
    """Return the formatter of this moment, by default in the reader's language."""
    return renderer_of(request).words(language or language_of(request))


def view(
    request: Request,
    template: str,
    *,
    status: int = 200,
    words: Formatter | None = None,
    **values: Any,  # noqa: ANN401 (for templates)
) -> Response:
    """Render a template with `principal`, `words` and these values.

    A page of `layout.html` names itself with `page`, as in the navigation (see `nav`).
    """
    words = words or formatter_for(request)
    principal = principal_of(request)
    officer, page = principal.may(Role.OSH), str(values.get("page", ""))
    shared = {
        "principal": principal,
        "here": _address(request),
        "nav": navigation(principal, words, page, request.url.path, _waiting(request)),
        "officer": officer,
        "evacuation": banner(request, words, officer=officer and page != "muster"),
    }
    return renderer_of(request).page(template, words, status, **(shared | values))


def _waiting(request: Request) -> dict[str, int]:
    """Return how many things wait on a page of the navigation, as the guard counted them."""
    return {"defects": getattr(request.state, "open_defects", 0)}


def fragment(request: Request, template: str, words: Formatter, **values: Any) -> str:  # noqa: ANN401 (for templates)
    """Render a piece of a page with `words` and these values."""
    return renderer_of(request).fragment(template, words, **values)


def see_other(address: str) -> Response:
    """Send the browser on after a form was accepted (303)."""
    return RedirectResponse(address, status_code=303)


def _address(request: Request) -> str:
    """Return this page's address for a link back to it, quoted for a query."""
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return quote(request.url.path + query, safe="/")
