"""A running Dex with one client and a few people, as scripts/test-counterparts has built it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from counterparts.certificates import Certificates
from counterparts.people import PASSWORD, PEOPLE
from lanes.servers import Server, free_port, leashed

_SECRET: Final = "k+7/x= of tests"  # noqa: S105 (of a client of tests)


@dataclass
class Dex:
    """The server; `folder` has the program and, in `web`, its pages."""

    folder: Path
    work: Path
    hub: str
    tls: Certificates | None = None
    port: int = field(default_factory=free_port)

    @property
    def issuer(self) -> str:
        """The issuer."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/dex"

    def start(self) -> None:
        """Start it."""
        options = {
            "issuer": self.issuer,
            "listen": f"127.0.0.1:{self.port}",
            "web": str(self.folder / "web"),
            "certificate": str(self.tls.certificate) if self.tls else "",
            "key": str(self.tls.key) if self.tls else "",
            "clientId": "hubwell",
            "secret": _SECRET,
            "back": f"{self.hub}/sign-in/back",
            "password": PASSWORD,
            "people": {
                login: {"name": f"{first} {last}", "groups": groups}
                for login, (first, last, groups) in PEOPLE.items()
            },
        }
        log = self.work / f"dex-{self.port}.log"
        self._server = Server("dex", leashed([str(self.folder / "dex"), json.dumps(options)]), log)
        self._server.start(lambda: "ready" in log.read_text(), within=60)

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()

    def settings(self) -> dict[str, Any]:
        """Return the settings of a hub whose people sign in here."""
        return {
            "public_url": self.hub,
            "oidc_issuer": self.issuer,
            "oidc_client_id": "hubwell",
            "oidc_client_secret": _SECRET,
            "oidc_name": "School",
            "oidc_roles": {"teachers": "staff", "pupils": "learner"},
        }
