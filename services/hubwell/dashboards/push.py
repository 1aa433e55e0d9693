"""Send the dashboards to a running Grafana over its HTTP API, where files cannot be provisioned."""

from typing import Any, Final

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import (
    GrafanaClientError,
    GrafanaException,
    GrafanaTimeoutError,
    GrafanaUnauthorizedError,
)

from hubwell.dashboards import errors
from hubwell.dashboards.files import dashboards
from hubwell.dashboards.grafana import DATASOURCE
from hubwell.errors import DomainError

_TIMEOUT_S: Final = 10.0
_NOT_FOUND: Final = 404
_DATASOURCE_FILE: Final = "dashboards/provisioning/datasources/hubwell.yaml"


def push(url: str, token: str) -> list[str]:
    """Create or replace every dashboard and return their addresses.

    `token` is that of a service account with the role Editor. Raises DomainError.
    """
    # Any: the library says that it is typed, and its methods are not.
    grafana: Any = GrafanaApi.from_url(url.rstrip("/") + "/", credential=token, timeout=_TIMEOUT_S)
    try:
        _require_datasource(grafana)
        return [url.rstrip("/") + _push_one(grafana, dashboard.json()) for dashboard in dashboards().values()]
    except GrafanaUnauthorizedError as error:
        raise DomainError(errors.TOKEN_REFUSED, url=url) from error
    except (GrafanaTimeoutError, niquests.exceptions.RequestException) as error:
        raise DomainError(errors.GRAFANA_AWAY, url=url) from error
    except GrafanaException as error:
        raise DomainError(errors.GRAFANA_REFUSED, url=url, answer=error) from error


def _require_datasource(grafana: Any) -> None:  # noqa: ANN401 - see push()
    try:
        grafana.datasource.get_datasource_by_uid(DATASOURCE["uid"])
    except GrafanaClientError as error:
        if error.status_code != _NOT_FOUND:
            raise
        raise DomainError(errors.NO_DATASOURCE, uid=DATASOURCE["uid"], file=_DATASOURCE_FILE) from error


def _push_one(grafana: Any, dashboard: dict[str, Any]) -> str:  # noqa: ANN401 - see push()
    answer = grafana.dashboard.update_dashboard(
        {"dashboard": dashboard, "overwrite": True, "message": "hubwell dashboards push"}
    )
    return str(answer["url"])
