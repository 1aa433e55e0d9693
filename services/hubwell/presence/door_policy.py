"""What the operator decided about doors, as presence needs it."""

from dataclasses import dataclass
from typing import Literal, Self

from hubwell.keys import Keys
from hubwell.presence.closing_hours import Hours, hub_hours
from hubwell.settings import Settings
from hubwell_wire.enumerations import Language


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings of doors: closing times, treatment of unknown badges, the hub's language, folder of keys."""

    hours: Hours
    unknown: Literal["refuse", "count"]
    language: Language
    keys: Keys

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the policy that the settings define."""
        return cls(hub_hours(settings), settings.unknown_badges, settings.language, Keys(settings.keys_dir))
