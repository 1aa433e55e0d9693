"""The principal of a request: the account, person or service token that sent it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from hubwell.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated sender of a request; `actor` is empty if the request is anonymous.

    A principal with a person has the role of a learner, too. `csrf` is the token that forms must send back;
    it is empty for a service token. `actor` is the name in the audit log: ``account:UUID``, ``person:UUID``
    or ``token:UUID``.
    """

    roles: frozenset[Role] = frozenset()
    account_id: UUID | None = None
    person_id: UUID | None = None
    """The person whose own data may be seen: the account's, or that of the code from the kiosk."""
    only_badge: int | None = None
    """The badge whose visits alone may be seen: one that staff gave out less than a day ago."""
    name: str = ""
    language: str | None = None
    csrf: str = ""
    actor: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether the request was authenticated, by a session or by a service token."""
        return bool(self.actor)

    def may(self, *roles: Role) -> bool:
        """Return whether the principal has at least one of these roles."""
        return not self.roles.isdisjoint(roles)


ANONYMOUS: Final = Principal()
