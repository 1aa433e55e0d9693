"""Send the dashboards to a running Grafana over its HTTP API, where files cannot be provisioned."""

import asyncio
import json as text_of
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException

from hubwell.dashboards import errors
from hubwell.dashboards.files import dashboards
from hubwell.dashboards.grafana import DATASOURCE
from hubwell.errors import DomainError
from hubwell.outbound.exchange import Answer, ExchangeError, Limits, exchange

_LIMITS: Final = Limits(seconds=10.0, body_bytes=1024 * 1024)
_LONGEST_MESSAGE: Final = 200
"""Characters of Grafana's own message that are shown."""
_DATASOURCE_FILE: Final = "dashboards/provisioning/datasources/hubwell.yaml"
_TOKEN_REFUSALS: Final = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))


def push(url: str, token: str, *, ca_file: Path | None = None) -> list[str]:
    """Create or replace every dashboard and return their addresses.

    `token` is that of a service account with the role Editor; `ca_file` as in `exchange`. Raises DomainError.
    """
    url = url.rstrip("/")
    # Any: the library says that it is typed, and its methods are not.
    grafana: Any = GrafanaApi.from_url(url + "/")
    grafana.client.s = _LimitedSession(token, ca_file)
    try:
        grafana.datasource.get_datasource_by_uid(DATASOURCE["uid"])
        return [url + _push_one(grafana, dashboard.json()) for dashboard in dashboards().values()]
    except ExchangeError as error:
        raise DomainError(errors.GRAFANA_AWAY, url=url, reason=error) from error
    except GrafanaException as error:
        raise _refusal(url, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DomainError(errors.GRAFANA_REFUSED, url=url, answer="no JSON: is this a Grafana?") from error


def _push_one(grafana: Any, dashboard: dict[str, Any]) -> str:  # noqa: ANN401 - see push()
    """Create or replace one dashboard; return its path."""
    message = {"dashboard": dashboard, "overwrite": True, "message": "hubwell dashboards push"}
    return str(grafana.dashboard.update_dashboard(message)["url"])


def _refusal(url: str, error: GrafanaException) -> DomainError:
    if error.status_code in _TOKEN_REFUSALS:
        return DomainError(errors.TOKEN_REFUSED, url=url)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return DomainError(errors.NO_DATASOURCE, uid=DATASOURCE["uid"], file=_DATASOURCE_FILE)
    return DomainError(errors.GRAFANA_REFUSED, url=url, answer=str(error.message)[:_LONGEST_MESSAGE])


class _LimitedSession:
    """Requests of grafana-client as exchanges; its own timeout is per read, its answers are without limit."""

    def __init__(self, token: str, ca_file: Path | None) -> None:
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._ca_file = ca_file

    def request(self, method: str, url: str, *, json: object = None, **_: object) -> "_Response":
        body = None if json is None else text_of.dumps(json).encode()
        answer = exchange(
            method.upper(), url, limits=_LIMITS, headers=self._headers, body=body, ca_file=self._ca_file
        )
        return _Response(asyncio.run(answer))


class _Response:
    """An answer with what grafana-client reads of it. Every answer of the two requests is JSON."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers: dict[str, str] = {}
        self.json = answer.json
        self.text = answer.body.decode(errors="replace")
