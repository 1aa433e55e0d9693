"""Sends requests that schemathesis generates to a running server, as one visitor."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import hypothesis
import psycopg
import requests
import schemathesis
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, Phase, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

STREAMS: Final = frozenset(("/api/v1/stream", "/live", "/bookings/live", "/desk/live", "/muster/live"))
"""Addresses whose answer does not end."""
_API: Final = ("/api/", "/metrics")
_ID_QUERIES: Final = {
    "account_id": "SELECT id FROM account WHERE login NOT LIKE 'visitor%'",
    "address_id": "SELECT id FROM calendar_address",
    "badge": "SELECT id FROM credential",
    "badge_id": "SELECT id FROM credential",
    "booking_id": "SELECT id FROM booking",
    "device_id": "SELECT id FROM device",
    "muster": "SELECT id FROM muster",
    "person": "SELECT id FROM person",
    "plan_id": "SELECT id FROM floor_plan",
    "person_id": "SELECT id FROM person",
    "question": "SELECT id FROM suspicion",
    "request_id": "SELECT id FROM break_glass",
    "series_id": "SELECT id FROM booking_series",
    "session_id": "SELECT id FROM course_session",
    "space_id": "SELECT id FROM space",
    "suspicion_id": "SELECT id FROM suspicion",
    "tap_id": "SELECT id FROM desk_tap",
    "visit_id": "SELECT id FROM visit",
}
"""What there is, by the name of a parameter in the address."""
Check = Callable[[Any, httpx.Response], None]


def interface_of(app: FastAPI) -> list[Any]:
    """Return the operations of the API, from its OpenAPI document."""
    return _operations(app.openapi())


def pages_of(app: FastAPI) -> list[Any]:
    """Return the pages and forms as operations, from a document that is made like that of the API."""
    described = FastAPI()
    for number, route in enumerate(iter_route_contexts(app.routes)):
        endpoint = getattr(route, "endpoint", None)
        if endpoint and route.path and route.methods and not route.path.startswith(_API):
            methods = list(route.methods)
            described.add_api_route(
                route.path, endpoint, methods=methods, response_model=None, operation_id=f"page-{number}"
            )
    return _operations(described.openapi())


def _operations(document: dict[str, Any]) -> list[Any]:
    found = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]  # type: ignore[union-attr] # the document is our own
    return [operation for operation in found if operation.path not in STREAMS]


@dataclass
class Visitor:
    """Sends generated requests with these headers, and holds each answer to the checks."""

    address: str
    database_url: str
    checks: Sequence[Check]
    headers: dict[str, str] = field(default_factory=dict)
    examples: int = 1
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    """How often each status came, by operation."""

    @property
    def sent(self) -> int:
        """The number of requests so far."""
        return sum(seen.total() for seen in self.statuses.values())

    def without(self, *statuses: int) -> set[str]:
        """Return the operations that never answered with one of these."""
        return {label for label, seen in self.statuses.items() if seen.keys().isdisjoint(statuses)}

    def send_to(self, operation: Any) -> None:
        """Send right and wrong requests; raise AssertionError for an answer that is not as it should be."""
        for mode in GenerationMode:
            self._send_examples(operation, operation.as_strategy(generation_mode=mode))

    def _send_examples(self, operation: Any, cases: strategies.SearchStrategy[Any]) -> None:
        known = dict(self._known(re.findall(r"\{(\w+)\}", operation.path)))
        statuses = self.statuses.setdefault(operation.label, Counter())

        @hypothesis.settings(
            max_examples=self.examples,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=cases, data=strategies.data())
        def send(case: Any, data: strategies.DataObject) -> None:
            for name, values in known.items():
                if data.draw(strategies.booleans()):
                    case.path_parameters[name] = data.draw(strategies.sampled_from(values))
            statuses[self._send(client, case)] += 1

        # Each request has its own connection: an idle one may be closed just as it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(limits=limits, timeout=60, verify=False) as client:  # noqa: S501 (plain http)
            try:
                send()
            except Unsatisfiable:
                return  # nothing can be wrong in a request without parameters and body

    def _known(self, names: list[str]) -> Iterator[tuple[str, list[str]]]:
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            for name in names:
                query = _ID_QUERIES.get(name)
                values = [str(row[0]) for row in conn.execute(query)] if query else []
                if values:
                    yield name, values

    def _send(self, client: httpx.Client, case: Any) -> int:
        request = requests.Request(**case.as_transport_kwargs(base_url=self.address)).prepare()
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        headers = httpx.Headers({name: str(value) for name, value in request.headers.items()})
        headers.update(self.headers)
        answer = client.request(str(request.method), str(request.url), headers=headers, content=body)
        for check in self.checks:
            try:
                check(case, answer)
            except Exception as error:  # of any check: what was sent is added, and it is raised again
                error.add_note(f"{request.method} {request.url} {body[:2000]!r}")
                error.add_note(f"{answer.status_code} {answer.text[:500]}")
                raise
        return answer.status_code
