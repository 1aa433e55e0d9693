"""Refusals of sending the dashboards to Grafana."""

from typing import Final

from hubwell.errors import N_, ErrorKind

TOKEN_REFUSED: Final = ErrorKind(
    "grafana-token-refused",
    N_("Grafana at {url} refuses the token. Give that of a service account with the role Editor."),
    "token",
    502,
)
GRAFANA_AWAY: Final = ErrorKind(
    "grafana-away",
    N_(
        "Grafana at {url} does not answer as it should ({reason}). Look whether the address is right and "
        "Grafana runs."
    ),
    "url",
    502,
)
GRAFANA_REFUSED: Final = ErrorKind("grafana-refused", N_("Grafana at {url} answered: {answer}."), status=502)
NO_DATASOURCE: Final = ErrorKind(
    "grafana-without-datasource",
    N_("Grafana has no data source with the uid {uid}. Add it as in {file}."),
    status=502,
)
