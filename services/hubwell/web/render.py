"""Render templates and serve the packaged files: the one place that knows Jinja and the files' addresses."""

import hashlib
from datetime import UTC, datetime
from gettext import NullTranslations
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from hubwell.settings import Settings
from hubwell.web.words import Words

_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


class Renderer:
    """Templates in one language, and the static files with their fingerprints."""

    def __init__(self, settings: Settings) -> None:
        self._zone = ZoneInfo(settings.zone)
        self._translations = NullTranslations()  # catalogues come with the languages
        self._files = _static_files()
        self._environment = Environment(
            loader=PackageLoader("hubwell.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.install_gettext_translations(self._translations, newstyle=True)  # type: ignore[attr-defined] # added by the extension
        self._environment.globals |= {
            "hub_name": settings.hub_name,
            "zone": settings.zone,
            "lang": "en",
            "static": self._address,
        }

    def words(self) -> Words:
        """Return the words of this moment."""
        return Words(self._translations, self._zone, datetime.now(UTC))

    def page(self, template: str, words: Words, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 (for templates)
        """Return a rendered page."""
        text = self._environment.get_template(template).render(words=words, status=status, **values)
        return HTMLResponse(text, status, {"Cache-Control": "no-cache"})

    def fragment(self, template: str, **values: Any) -> str:  # noqa: ANN401 (for templates)
        """Return a piece of a page."""
        return self._environment.get_template(template).render(**values)

    def static(self, name: str) -> Response:
        """Return a packaged file. Raises HTTPException 404."""
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404)
        media_type = _TYPES[name.rpartition(".")[2]]
        return Response(content, media_type=media_type, headers={"Cache-Control": _FOR_GOOD})

    def _address(self, name: str) -> str:
        digest = hashlib.sha256(self._files[name]).hexdigest()[:12]
        return f"/static/{name}?v={digest}"


def _static_files() -> dict[str, bytes]:
    folder = files("hubwell.web").joinpath("static")
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }
