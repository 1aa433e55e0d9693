"""The server's settings: environment variables that start with ``HUBWELL_``, frozen once read."""

from collections.abc import Mapping
from datetime import time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, HttpUrl, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hubwell.vocabulary import Role
from hubwell_wire.enumerations import Language
from hubwell_wire.topics import ID_PATTERN

_LIKE: Final = 0.75
"""Similarity (difflib's ratio) from which a name is taken for a misspelt one."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


class Settings(BaseSettings):
    """All settings; the defaults work for a hub on one machine, and an empty variable is an unset one.

    Raises pydantic.ValidationError, which names the variable and its value.
    """

    model_config = SettingsConfigDict(
        env_prefix="HUBWELL_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: str = "postgresql:///hubwell"
    """libpq URL of PostgreSQL or TimescaleDB."""
    broker_url: str = "mqtt://127.0.0.1:1883"
    """mqtt:// or mqtts://USER:PASSWORD@HOST:PORT of a broker that speaks MQTT 5."""
    broker_ca_file: str | None = None
    """Certificate authority of the broker, where it is not a public one."""
    device_broker_url: SecretStr | None = None
    """Address of the broker for devices, which the page that connects a device shows; `hubwell up` sets its
    own broker's, with the account that all devices share there."""
    site: Annotated[str, Field(pattern=ID_PATTERN)] = "hub"
    """The site level of every topic."""
    zone: str = "Europe/Helsinki"
    """IANA time zone of the hub: what its clocks on the wall show."""
    hub_name: str = "Learning hub"
    """Title of the pages."""
    language: Language = "en"
    """Language of the hub, for people who chose none."""
    colour: Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")] = ""
    """Colour of links and buttons, as #0b6e4f; empty for Hubwell's own. A pale one is shown darker."""
    assembly_point: Annotated[str, Field(max_length=150)] = ""
    """Where people gather in an evacuation, in the hub's own words; shown as it is in every language."""
    closing_time: time = time(22, 0)
    """Local time at which open visits are ended; a space may close earlier."""
    unknown_badges: Literal["refuse", "count"] = "refuse"
    """Whether a door refuses a badge that is not enrolled, or counts it as an anonymous person.

    Counted people fill spaces, and are in no published number (`privacy/disclosure_control.py`)."""
    keys_dir: Path = Path("hubwell-keys")
    """Folder of the hub's secrets (see `hubwell keys`), kept apart from the data and out of backups."""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: HttpUrl | None = None
    """Where browsers find the pages; with https, cookies are sent over https only."""
    setup_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the code with which a browser may create the first administrator; `hubwell up` sets it."""
    demo_socket: Path | None = None
    """Where the simulated hub takes virtual cards, for the page `/try`; `hubwell up` sets it."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_name: Annotated[str, Field(max_length=60)] = ""
    """The provider's name on the button; by default its host."""
    oidc_scopes: Annotated[str, Field(pattern=r"^(openid( [\x21\x23-\x5B\x5D-\x7E]+)*)?$")] = ""
    """Scopes to request, with spaces between, `openid` first; by default openid, profile, email, and groups
    where the provider lists it."""
    oidc_groups_claim: str = "groups"
    """Claim with a person's groups; dots separate the keys of nested objects: realm_access.roles."""
    oidc_roles: dict[str, Role] = {}
    """Roles by group: {"teachers": "staff"}; the group "*" is all people of the provider."""
    oidc_issuer: HttpUrl | None = None
    """Issuer of the OpenID Connect provider; its endpoints come from its discovery document."""
    ingest_batch: Annotated[int, Field(ge=1, le=5000)] = 1000
    """Largest number of messages in one transaction."""
    ingest_shared: bool = True
    """Whether ingest processes share a subscription; false for the embedded broker, which cannot."""
    ingest_wait_ms: Annotated[int, Field(ge=0, le=5000)] = 15
    """How long a started batch waits for more messages, in milliseconds."""
    retention: dict[str, str] = {}
    """Retention terms that differ from the default: {"visit": "30d"}; `hubwell retention show` lists all."""
    privacy_contact: Annotated[str, Field(max_length=300)] = ""
    """The hub's data protection contact: name, address, telephone."""
    privacy_basis: Annotated[str, Field(max_length=2000)] = ""
    """Legal basis of the processing in the site's own words, for the privacy page."""
    privacy_controller: Annotated[str, Field(max_length=300)] = ""
    """Who is responsible for the data (the controller): name and address."""
    ca_file: Path | None = None
    """Certificate authorities (PEM) of the servers that are called over https, besides the public ones."""
    webhook_url: HttpUrl | None = None
    """Where alerts are posted as JSON."""
    webhook_secret: SecretStr | None = None
    """Key of the HMAC-SHA256 signature of each post (header X-Hubwell-Signature)."""

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        """Refuse a zone that is not in the time zone database, and name the nearest one."""
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError) as error:
            near = zone_like(zone)
            hint = f"did you mean {near!r}?" if near else "write it like 'Europe/Helsinki'"
            raise ValueError(f"not a time zone: {hint}") from error
        return zone

    @field_validator("database_url")
    @classmethod
    def _database_can_be_meant(cls, url: str) -> str:
        """Refuse what is no address of a database; without the text, which may hold a password."""
        try:
            conninfo_to_dict(url)
        except ProgrammingError:
            raise ValueError(
                "not an address of a PostgreSQL database: write it like postgresql://hubwell:PASSWORD@HOST/hubwell"
            ) from None
        return url

    @field_validator("broker_url")
    @classmethod
    def _broker_can_be_meant(cls, url: str) -> str:
        """Refuse what is no address of a broker; without the text, which may hold a password."""
        try:
            parts = urlsplit(url)
            whole = parts.scheme in {"mqtt", "mqtts"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # the port, or an address in brackets
            whole = False
        if not whole:
            raise ValueError("not an address of a broker: write it like mqtts://NAME:PASSWORD@HOST:8883")
        return url

    @field_validator("oidc_issuer")
    @classmethod
    def _provider_is_whole(cls, issuer: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        """Refuse a provider without https (except on loopback), client id, public URL or a plain issuer.

        An issuer has no fragment (OpenID Connect Core 1.0, 1.2): there is one where a comment follows.
        """
        if issuer is None:
            return None
        if issuer.fragment is not None:
            raise ValueError("an issuer has no #: write a comment on a line of its own")
        if "/.well-known/" in (issuer.path or ""):
            raise ValueError("the issuer is the address before /.well-known/openid-configuration")
        if issuer.scheme != "https" and issuer.host not in _LOOPBACK:
            raise ValueError("a provider is reached over https")
        if not info.data.get("oidc_client_id") or not info.data.get("public_url"):
            raise ValueError("a provider needs HUBWELL_OIDC_CLIENT_ID and HUBWELL_PUBLIC_URL as well")
        return issuer

    @property
    def is_https(self) -> bool:
        """Return whether browsers reach the pages over https."""
        return self.public_url is not None and self.public_url.scheme == "https"

    @property
    def public_host(self) -> str:
        """Name and port of the public address; empty where none is set."""
        return urlsplit(str(self.public_url)).netloc if self.public_url else ""

    def with_endpoints(
        self, *, database_url: str, broker_url: str, page: str, keys_dir: Path | None = None
    ) -> Self:
        """Return these settings, with the addresses of a running system in place of unset ones."""
        parts = urlsplit(page)
        addresses = {
            "database_url": database_url,
            "broker_url": broker_url,
            "http_host": parts.hostname,
            "http_port": parts.port,
            "keys_dir": keys_dir or self.keys_dir,
        }
        return self._completed(addresses)

    def with_profile(self, profile: Mapping[str, str]) -> Self:
        """Return these settings, with what administrators chose (table `hub_profile`) in place of unset ones.

        To be called on the installation's settings each time: the result no longer shows what they left open.
        """
        return self._completed(profile)

    def _completed(self, values: Mapping[str, object]) -> Self:
        missing = {key: value for key, value in values.items() if key not in self.model_fields_set}
        return self.model_copy(update=missing)


def zone_like(zone: str) -> str | None:
    """Return the time zone that a misspelt name means, if any; a city is found without its continent."""
    names = available_timezones()
    spellings = {name.rpartition("/")[2].casefold(): name for name in names if "/" in name}
    spellings |= {name.casefold(): name for name in names}
    plain = zone.strip().replace(" ", "_").casefold()
    for text in (plain, plain.rpartition("/")[2]):
        if near := get_close_matches(text, spellings, n=1, cutoff=_LIKE):
            return spellings[near[0]]
    return None
