"""The hub itself: what administrators set in the browser, and how far it is set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.access import accounts
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.events import Facts
from hubwell.hub_profile import actions, rules
from hubwell.hub_profile.actions import Milestones
from hubwell.people import key_epochs
from hubwell.settings import Settings
from hubwell.spaces import demo
from hubwell.vocabulary import Role
from hubwell.workflows import accounts as account_workflow

Conn = AsyncConnection[Any]
_ENOUGH_ADMINS: Final = 2
"""One may forget the password, be away or leave."""


@dataclass(frozen=True, slots=True)
class Field:
    """A setting of the hub: its value in use, and whether the installation sets it."""

    name: str
    value: str
    fixed: bool

    @property
    def variable(self) -> str:
        """The variable by which the installation sets it."""
        return rules.environment_variable(self.name)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the hub is set up; what belongs to the simulated hub does not count."""

    spaces: bool
    device: bool
    reader: bool
    second_admin: bool
    privacy_contact: bool
    grafana_connected: bool
    milestones: Milestones

    def steps(self) -> dict[str, bool]:
        """Return each step with whether it is done, in the order in which they are best done."""
        then = self.milestones
        return {
            "spaces": self.spaces,
            "device": self.device,
            "reader": self.reader,
            "second_admin": self.second_admin,
            "privacy_contact": self.privacy_contact,
            "restore": then.restore_proven_at is not None,
            "grafana": self.grafana_connected
            or then.grafana_seen_at is not None
            or then.no_grafana_since is not None,
        }


def fields(settings: Settings, installation: Settings) -> list[Field]:
    """Return what can be set for the hub; `settings` are those in use."""
    fixed = rules.set_by_installation(installation)
    return [Field(name, str(getattr(settings, name)), name in fixed) for name in rules.FIELDS]


async def change(conn: Conn, actor: Principal, values: Mapping[str, str], installation: Settings) -> Facts:
    """Set these fields, an empty one back to its default. Raises DomainError with all that is wrong."""
    changed, facts = await actions.change(conn, values, installation)
    if changed:
        await log.record(conn, actor=actor.actor, action="hub.changed", detail={"fields": changed})
    return facts


async def progress(conn: Conn, settings: Settings) -> Progress:
    """Return how far the hub is set up."""
    own = await demo.beside(conn)
    readers = await key_epochs.readers(conn)
    return Progress(
        spaces=own.has_space,
        device=own.has_heard_device,
        reader=own.has_reader or any(reader["device"] not in own.simulated for reader in readers),
        second_admin=await accounts.count_admins(conn) >= _ENOUGH_ADMINS,
        privacy_contact=bool(settings.privacy_contact),
        grafana_connected=await actions.is_grafana_connected(conn),
        milestones=await actions.milestones(conn),
    )


async def note_restore(conn: Conn, actor: Principal, at: datetime, now: datetime) -> None:
    """Note that a backup of this hub was restored with success. Raises DomainError for a time to come."""
    await actions.note_restore(conn, at, now)
    await log.record(conn, actor=actor.actor, action="hub.restore-proven", detail={"on": at})


async def set_no_grafana(conn: Conn, actor: Principal, since: datetime | None) -> None:
    """Note that the hub does without Grafana on purpose, or with None that it does not."""
    await actions.set_no_grafana(conn, since)
    action = "hub.grafana-unused" if since else "hub.grafana-open"
    await log.record(conn, actor=actor.actor, action=action)


async def set_up(
    conn: Conn,
    *,
    login: str,
    name: str,
    password_hash: str,
    roles: Sequence[Role],
    values: Mapping[str, str],
    installation: Settings,
) -> tuple[Principal, Facts]:
    """Add the first administrator and set the hub's fields, all or nothing. Raises DomainError."""
    admin = await account_workflow.add_first_admin(
        conn, login=login, name=name, password_hash=password_hash, roles=roles
    )
    return admin, await change(conn, admin, values, installation)
