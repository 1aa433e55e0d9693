"""Mentors and ambassadors on site now who chose to be shown: by name and role, never where."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.http.dependencies import ReadConnection
from hubwell.http.guard import PUBLIC
from hubwell.people import persons
from hubwell.web.kit.respond import formatter_for, view

onsite = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, dependencies=[PUBLIC])


@onsite.get("/on-site")
async def show_on_site(request: Request, conn: ReadConnection) -> Response:
    """Show who can be asked for help today."""
    words = formatter_for(request)
    people = await persons.on_site(conn, words.now)
    return view(request, "desk/on_site.html", words=words, page="on-site", people=people)
