"""A running server whose people sign in at a forging provider."""

from typing import Any, Final

from services.access.oidc_providers import CLIENT
from services.access.running_app import House

EVERYTHING = (
    "SELECT md5(concat_ws('|', (SELECT string_agg(a::text, ',' ORDER BY id) FROM account a), "
    "(SELECT string_agg(r::text, ',' ORDER BY account_id, role) FROM account_role r), "
    "(SELECT string_agg(i::text, ',' ORDER BY subject) FROM account_identity i), "
    "(SELECT string_agg(s::text, ',' ORDER BY token_hash) FROM sign_in s)))"
)
"""A query that gives one digest of all accounts, roles, identities and sign-ins."""

ROLES: Final = {"teachers": "staff", "caretakers": "facilities"}


def provider_settings(issuer: str) -> dict[str, Any]:
    """Return the settings of a hub with this provider."""
    return {
        "public_url": "{address}",
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": "a secret",
        "oidc_name": "School",
        "oidc_roles": ROLES,
    }


async def roles(house: House) -> dict[str, str]:
    """Return the only account's roles, and where they come from."""
    async with house.connection() as conn:
        rows = await (await conn.execute("SELECT role, granted_by FROM account_role")).fetchall()
    return dict(rows)
