"""The server's settings: environment variables that start with ``HUBWELL_``, frozen once read."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from hubwell_wire.topics import ID_PATTERN


class Settings(BaseSettings):
    """Everything that can be set; each value works as it is for a hub on one machine.

    Raises pydantic.ValidationError naming the variable and its value.
    """

    model_config = SettingsConfigDict(env_prefix="HUBWELL_", frozen=True, extra="ignore")

    database_url: str = "postgresql:///hubwell"
    """libpq URL of PostgreSQL or TimescaleDB."""
    broker_url: str = "mqtt://127.0.0.1:1883"
    """mqtt:// or mqtts://USER:PASSWORD@HOST:PORT of a broker that speaks MQTT 5."""
    broker_ca_file: str | None = None
    """Certificate authority of the broker, where it is not a public one."""
    site: Annotated[str, Field(pattern=ID_PATTERN)] = "hub"
    """The site level of every topic."""
    zone: str = "Europe/Helsinki"
    """IANA time zone of the hub: what its clocks on the wall show."""
    hub_name: str = "Learning hub"
    """Title of the pages."""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    ingest_batch: Annotated[int, Field(ge=1, le=5000)] = 1000
    """Most messages in one transaction."""
    ingest_shared: bool = True
    """Whether several ingest processes share the work; false for the embedded broker, which cannot."""
    ingest_wait_ms: Annotated[int, Field(ge=0, le=5000)] = 15
    """How long a started batch waits for more messages, in milliseconds."""
    webhook_url: HttpUrl | None = None
    """Where alerts are posted as JSON."""
    webhook_secret: SecretStr | None = None
    """Key of the HMAC-SHA256 signature of each post (header X-Hubwell-Signature)."""

    def found(self, *, database_url: str, broker_url: str, page: str) -> Self:
        """Return these settings with addresses of a running system for what was not set."""
        parts = urlsplit(page)
        addresses = {
            "database_url": database_url,
            "broker_url": broker_url,
            "http_host": parts.hostname,
            "http_port": parts.port,
        }
        missing = {key: value for key, value in addresses.items() if key not in self.model_fields_set}
        return self.model_copy(update=missing)
