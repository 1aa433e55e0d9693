"""The page about the API: every operation of the OpenAPI document, with the roles that the server asks."""

import html
import re

from services.web.running_site import Site

ROW = re.compile(
    r'<th scope="row"><code>(\w+) ([^<]+)</code></th>\s*<td[^>]*>([^<]+)</td>\s*<td[^>]*>([^<]+)</td>'
)


async def test_every_operation_is_there_with_the_roles_it_needs(site: Site) -> None:
    page = (await site.client.get("/api", headers={"accept": "text/html"})).text
    rows = {(method, html.unescape(path)): roles for method, path, _, roles in ROW.findall(page)}

    document = (await site.client.get("/api/v1/openapi.json")).json()
    assert set(rows) == {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
    assert rows["GET", "/api/v1/spaces"] == "Everybody"
    assert rows["POST", "/api/v1/tokens"] == "Administrator"
    assert rows["POST", "/api/v1/muster"] == "Safety at work"
    for (method, path), roles in rows.items():
        if method == "GET" and "{" not in path and path != "/api/v1/stream":
            answer = await site.client.get(path)
            assert (answer.status_code == 401) == (roles != "Everybody"), (path, roles, answer.text)


async def test_first_request_of_the_page_works(site: Site) -> None:
    page = (await site.client.get("/api", headers={"accept": "text/html"})).text
    first = re.findall(r"<code>curl (http\S+)</code>", page)[0]
    assert first == f"{site.address}/api/v1/spaces"
    assert (await site.client.get(first)).status_code == 200
