"""Settings of a device: TOML file, environment and secret files merged into one frozen model.

Precedence, highest first: arguments, environment (``HUBWELL_EDGE__BROKER__URL``), secret files (systemd's
``$CREDENTIALS_DIRECTORY`` or ``--secrets``), TOML file.
"""

import os
import ssl
import tomllib
import warnings
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from hubwell_edge.clock import ClockMode
from hubwell_wire.topics import ID_PATTERN

ENV_PREFIX: Final = "HUBWELL_EDGE__"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

Identifier = Annotated[str, Field(pattern=ID_PATTERN, description="lower-case letters, digits and '-'")]


class SettingsError(Exception):
    """The settings are wrong; the message has one line with advice for each problem."""


def _number(value: object) -> object:
    """Convert digits to a number: environment variables are text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


class Section(BaseModel):
    """Base of the tables: frozen, and an unknown name is an error, so that typing mistakes are reported."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Address(NamedTuple):
    """The parts of the broker's URL."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None


class BrokerSettings(Section):
    """Connection to the broker. Times in seconds; `window` is the most messages in flight."""

    url: str = Field(default="mqtt://127.0.0.1:1883", description="mqtt://HOST:PORT, or mqtts:// for TLS")
    protocol: Annotated[Literal[5, 311], BeforeValidator(_number)] = 5
    ca_file: Path | None = Field(default=None, description="certificate authority for mqtts://")
    keepalive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    window: Annotated[int, Field(ge=1, le=1000)] = 100
    resend_s: Annotated[float, Field(ge=0.1, le=3600)] = 20
    status_s: Annotated[float, Field(ge=1, le=240)] = 60
    """Between two reports of the status; after five minutes without one a device counts as silent."""
    hold_unsynced_s: Annotated[float, Field(ge=0)] = 3600

    @field_validator("url")
    @classmethod
    def _url_is_understood(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("write it as mqtt://HOST:PORT or mqtts://HOST:PORT")
        _ = parts.port  # raises ValueError for an invalid port
        return url

    def address(self, username: str | None = None, password: str | None = None) -> Address:
        """Return host, port and account; the arguments override the account in the URL."""
        parts: SplitResult = urlsplit(self.url)
        return Address(
            parts.hostname or "",
            parts.port or _PORTS[parts.scheme],
            parts.scheme == "mqtts",
            username or (unquote(parts.username) if parts.username else None),
            password or (unquote(parts.password) if parts.password else None),
        )

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the TLS context that verifies the broker's certificate, or None without TLS."""
        if not self.url.startswith("mqtts:"):
            return None
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


class OutboxSettings(Section):
    """Folder of the outbox, and its largest size in bytes."""

    dir: Path = Path("/var/lib/hubwell-edge")
    cap_bytes: Annotated[int, Field(ge=64 * 1024)] = 64 * 1024 * 1024


class BatchSettings(Section):
    """When collected readings become a message, and how many pending messages make sources wait."""

    readings: Annotated[int, Field(ge=1, le=1000)] = 200
    seconds: Annotated[float, Field(ge=0.05, le=3600)] = 5
    backlog: Annotated[int, Field(ge=1)] = 20_000


class BadgeSettings(Section):
    """Badge readers: epoch keys, the hub's public key, patience and debouncing."""

    keys_dir: Path | None = Field(default=None, description="folder with epoch-N.key files")
    roster_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="the hub's public key (Ed25519) that signs lists of badges and orders, in hexadecimal",
    )
    patience_ms: Annotated[int, Field(ge=0, le=5000)] = 100
    debounce_s: Annotated[float, Field(ge=0, le=60)] = 5


class EdgeSettings(BaseSettings):
    """All settings of one device."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    site: Identifier
    device: Identifier
    name: Annotated[str, Field(max_length=120)] = ""
    clock: ClockMode = "auto"
    mqtt_username: str | None = None
    mqtt_password: SecretStr | None = None
    broker: BrokerSettings = BrokerSettings()
    outbox: OutboxSettings = OutboxSettings()
    batch: BatchSettings = BatchSettings()
    badges: BadgeSettings = BadgeSettings()
    sensor: tuple[dict[str, Any], ...] = ()
    reader: tuple[dict[str, Any], ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use arguments only: settings built in code must not depend on the environment; see `load`."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def address(self) -> Address:
        """Host, port and account of the broker."""
        password = self.mqtt_password.get_secret_value() if self.mqtt_password else None
        return self.broker.address(self.mqtt_username, password)

    @classmethod
    def from_values(cls, **values: Any) -> Self:  # noqa: ANN401 - they are validated here
        """Validate values of any origin. Raises SettingsError with a line for each problem."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from None

    @classmethod
    def load(cls, config: Path | None, secrets: Path | None = None) -> Self:
        """Read file, secrets and environment. Raises SettingsError with a line for each problem."""
        secrets = secrets or (Path(folder) if (folder := os.environ.get("CREDENTIALS_DIRECTORY")) else None)
        try:
            values: dict[str, Any] = {}
            if config is not None:
                values = tomllib.loads(config.read_text(encoding="utf-8"))
            if secrets is not None:
                # The folder of secrets is a default below the file; the values of secret files are above it.
                values = _merged({"badges": {"keys_dir": _key_folder(secrets)}}, values)
                values = _merged(values, _secret_values(cls, secrets))
            return cls.from_values(**_merged(values, EnvSettingsSource(cls)()))
        except OSError as error:
            raise SettingsError(
                f"cannot read {config}: {error.strerror}; give the file with --config"
            ) from error
        except ValueError as error:  # invalid TOML, or invalid JSON in the environment
            raise SettingsError(f"{config or 'environment'}: {error}") from error


def _key_folder(secrets: Path) -> Path:
    """Return the folder of epoch keys: `badges` if it exists, else the folder of secrets, as with systemd."""
    folder = secrets / "badges"
    return folder if folder.is_dir() else secrets


def _secret_values(settings: type[BaseSettings], secrets: Path) -> dict[str, Any]:
    with warnings.catch_warnings():
        # The folder `badges` has the name of a setting but is not a secret file.
        warnings.filterwarnings("ignore", message="attempted to load secret file")
        return SecretsSettingsSource(settings, secrets, env_prefix="")()


def _merged(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    """Return both merged table by table; values of `high` take precedence."""
    merged = dict(low)
    for name, value in high.items():
        below = merged.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[name] = _merged(below, value)
        else:
            merged[name] = value
    return merged


def _sentence(problem: ErrorDetails) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        variable = ENV_PREFIX + name.replace(".", "__").upper()
        return f"{name} is missing: write {name} = ... in the device file, or set {variable}"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a known setting: correct the name or remove it"
    shown = "" if "password" in name else f" (it is {str(problem['input'])[:80]!r})"
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}{shown}"
