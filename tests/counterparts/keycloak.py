"""A running Keycloak, administered over REST: a realm with groups and people, and a client for each test."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from counterparts.people import PASSWORD, PEOPLE
from lanes.servers import Server, free_port, leashed

ADMIN: Final = "admin"
_SECRET: Final = "k+7/x= of tests"  # noqa: S105 (the same)
_WITHIN_S: Final = 180


def _person(login: str, first: str, last: str, groups: list[str]) -> dict[str, Any]:
    return {
        "username": login,
        "enabled": True,
        "email": f"{uuid4().hex}@school.example",
        "emailVerified": True,
        "firstName": first,
        "lastName": last,
        "groups": groups,
        "realmRoles": ["hub-admin"] if login == "rosa" else [],
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
    }


@dataclass
class Keycloak:
    """The server and one realm in it."""

    folder: Path
    work: Path
    port: int = field(default_factory=free_port)
    realm: str = field(default_factory=lambda: f"school-{uuid4().hex[:8]}")
    outside: str = ""
    """Where browsers find it, if not at its own port."""

    @property
    def issuer(self) -> str:
        """The realm's issuer."""
        return f"{self.outside or f'http://127.0.0.1:{self.port}'}/realms/{self.realm}"

    def start(self) -> None:
        """Start it, and make the realm."""
        settings = {
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
            "KC_DB_URL": f"jdbc:h2:file:{self.work}/h2;NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE",
            "JAVA_OPTS_APPEND": "-Xmx400m -XX:TieredStopAtLevel=1",
            "PATH": os.environ["PATH"],
        }
        options = ["--http-enabled=true", "--hostname-strict=false", "--http-host=127.0.0.1"]
        options.append("--proxy-headers=xforwarded")
        command = [str(self.folder / "bin" / "kc.sh"), "start", "--optimized", *options]
        environment = ["env", *(f"{name}={value}" for name, value in settings.items())]
        self._server = Server(
            "keycloak",
            leashed([*environment, *command, f"--http-port={self.port}"]),
            self.work / "keycloak.log",
        )
        self._server.start(self._answers, within=_WITHIN_S)
        self._make_realm()

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/realms/master").is_success
        except httpx.TransportError:
            return False

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the administration; return the JSON of the answer, or where the new thing is."""
        base = f"http://127.0.0.1:{self.port}"
        form = {"client_id": "admin-cli", "grant_type": "password", "username": ADMIN, "password": PASSWORD}
        token = httpx.post(
            f"{base}/realms/master/protocol/openid-connect/token", data=form, timeout=60
        ).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        answer = httpx.request(method, f"{base}/admin/realms{path}", json=body, headers=headers, timeout=60)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else answer.headers.get("location", "")

    def _make_realm(self) -> None:
        realm = {
            "realm": self.realm,
            "enabled": True,
            "groups": [{"name": "teachers"}, {"name": "pupils"}],
            "roles": {"realm": [{"name": "hub-admin"}]},
            "users": [_person(login, *names_and_groups) for login, names_and_groups in PEOPLE.items()],
        }
        self.ask("POST", "", realm)

    def another_realm(self) -> "Keycloak":
        """Return another realm of this server, with people of the same names."""
        other = replace(self, realm=f"school-{uuid4().hex[:8]}")
        other._make_realm()
        return other

    def add_person(self, login: str, first: str, last: str, groups: list[str]) -> str:
        """Add a person; return the id."""
        place: str = self.ask("POST", f"/{self.realm}/users", _person(login, first, last, groups))
        return place.rpartition("/")[2]

    def change_person(self, person_id: str, **changes: Any) -> None:
        """Change a person: `username`, `firstName`."""
        path = f"/{self.realm}/users/{person_id}"
        self.ask("PUT", path, self.ask("GET", path) | changes)

    def set_group(self, person_id: str, group: str) -> None:
        """Let the person be in this group and no other."""
        for one in self.ask("GET", f"/{self.realm}/groups"):
            method = "PUT" if one["name"] == group else "DELETE"
            self.ask(method, f"/{self.realm}/users/{person_id}/groups/{one['id']}")

    def add_client(
        self, hub: str, *, full_path: bool = False, groups_in: str = "id.token.claim", **changes: Any
    ) -> dict[str, Any]:
        """Add a client as docs/providers.md describes it; return the hub's settings for it.

        `groups_in` says what brings the groups, `attributes` in `changes` are added to the client's own.
        """
        client_id = f"hubwell-{uuid4().hex[:8]}"
        mapper = {
            "name": "groups",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-group-membership-mapper",
            "config": {"claim.name": "groups", "full.path": str(full_path).lower(), groups_in: "true"},
        }
        attributes = changes.pop("attributes", {})
        client = {
            "clientId": client_id,
            "enabled": True,
            "publicClient": False,
            "secret": _SECRET,
            "standardFlowEnabled": True,
            "redirectUris": [f"{hub}/sign-in/back"],
            "attributes": {"post.logout.redirect.uris": "+", **attributes},
            "protocolMappers": [mapper],
        } | changes
        self.ask("POST", f"/{self.realm}/clients", client)
        return {
            "public_url": hub,
            "oidc_issuer": self.issuer,
            "oidc_client_id": client_id,
            "oidc_client_secret": _SECRET,
            "oidc_name": "School",
            "oidc_roles": {"teachers": "staff", "pupils": "learner", "hub-admin": "admin"},
        }

    def put_roles_into_the_id_token(self) -> None:
        """Do what docs/providers.md says for realm roles."""
        scopes = self.ask("GET", f"/{self.realm}/client-scopes")
        scope = next(scope for scope in scopes if scope["name"] == "roles")
        mapper = next(one for one in scope["protocolMappers"] if one["name"] == "realm roles")
        mapper["config"]["id.token.claim"] = "true"
        path = f"/{self.realm}/client-scopes/{scope['id']}/protocol-mappers/models/{mapper['id']}"
        self.ask("PUT", path, mapper)

    def add_key(self, provider: str = "rsa-generated", **config: str) -> None:
        """Add a signing key that is preferred to all before."""
        settings = {"priority": [str(1000 + len(self.ask("GET", f"/{self.realm}/components")))]}
        component = {
            "name": uuid4().hex,
            "providerId": provider,
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": settings | {name: [value] for name, value in config.items()},
        }
        self.ask("POST", f"/{self.realm}/components", component)
