"""Who is on site now, of the mentors and ambassadors who chose to be shown: by name and role, never where."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.http.guard import PUBLIC
from hubwell.people import persons
from hubwell.web.kit.forms import transaction
from hubwell.web.kit.respond import view

onsite = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@onsite.get("/on-site", dependencies=[PUBLIC])
async def show_on_site(request: Request) -> Response:
    """Show who can be asked for help today."""
    async with transaction(request) as conn:
        people = await persons.on_site(conn, datetime.now(UTC))
    return view(request, "desk/on_site.html", page="on-site", people=people)
