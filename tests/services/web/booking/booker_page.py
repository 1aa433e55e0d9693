"""A page of a signed-in booker in the browser."""

from playwright.async_api import Browser, Page

from hubwell.vocabulary import Role
from services.booking.booking_house import BookingHouse


async def page_of(hub: BookingHouse, browser: Browser, *, scripts: bool = True) -> Page:
    """Open a page of an account with the roles staff and facilities."""
    client = await hub.house.signed_in("ida", Role.STAFF, Role.FACILITIES)
    context = await browser.new_context(java_script_enabled=scripts, locale="en-GB")
    cookie = {"name": "hubwell", "value": client.cookies["hubwell"], "url": hub.house.address}
    await context.add_cookies([cookie])  # type: ignore[list-item]
    return await context.new_page()
