"""Hubwell's pages as a person without scripts uses them."""

import re
from typing import Self

import httpx


class Pages:
    """A browser without a screen: follows forms as a person does."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=20, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str) -> str:
        answer = self.client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def post(self, path: str, on: str, **fields: str) -> str:
        """Send the form that stands on a page."""
        hidden = re.search(r'name="csrf" value="([^"]*)"', self.get(on))
        csrf = hidden[1] if hidden else ""
        answer = self.client.post(
            path,
            data={"csrf": csrf, **fields},
            headers={"accept": "text/html", "sec-fetch-site": "same-origin"},
        )
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return answer.text
