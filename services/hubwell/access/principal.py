"""The principal of a request: the account, person or service token that sent it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from hubwell.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent this request. Nobody is signed in where `actor` is empty.

    Whoever has a person has the role of a learner, too. `csrf` is what a form sends back; a program has none.
    `actor` is what stands in the audit log: ``account:UUID``, ``person:UUID``, ``token:UUID``.
    """

    roles: frozenset[Role] = frozenset()
    account_id: UUID | None = None
    person_id: UUID | None = None
    """Whose own data may be seen: of the account, or of the code from the kiosk."""
    name: str = ""
    language: str | None = None
    csrf: str = ""
    actor: str = ""

    @property
    def signed_in(self) -> bool:
        """Tell whether anybody is signed in, person or program."""
        return bool(self.actor)

    def may(self, *roles: Role) -> bool:
        """Tell whether the principal has one of these roles."""
        return not self.roles.isdisjoint(roles)


ANONYMOUS: Final = Principal()
