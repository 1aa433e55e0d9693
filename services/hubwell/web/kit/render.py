"""Render templates and serve the packaged files: the one place that knows Jinja and the files' addresses."""

import hashlib
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from types import CodeType
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import BytecodeCache, Environment, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.bccache import Bucket
from starlette.exceptions import HTTPException

from hubwell.doctor.typed_commands import as_shown
from hubwell.i18n import supported_or_default, translations_for
from hubwell.settings import Settings
from hubwell.vocabulary import LANGUAGES
from hubwell.web.kit.formatting import Formatter

AREAS: Final = (
    "kit",
    "board",
    "booking",
    "calendar",
    "desk",
    "my_data",
    "evacuation",
    "accounts",
    "privacy",
    "register",
    "programs",
    "hub",
    "history",
    "devices",
    "screens",
    "defects",
    "try_badge",
)
"""Packages of `hubwell.web` with templates: `desk/home.html` is `home.html` of `hubwell.web.desk`."""
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "png": "image/png"}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
# A page depends on who asks and in which language: a cache between must not hand it to others.
_OF_ONE_BROWSER: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Cookie"}


class _CompiledTemplates(BytecodeCache):
    """Templates compiled by this process, by content: compiled once instead of once for each language.

    What gettext and a setting put into a page is looked up while it is rendered, so the code is the same.
    """

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket where this content was compiled before."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _CompiledTemplates()


class Renderer:
    """Templates in every language, and the static files with their fingerprints."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.zone)
        self._files = _static_files()
        # One each: gettext belongs to an environment, so a macro without its page's context speaks right too.
        self._environments: dict[str, Environment] = {
            language: self._environment(language) for language in LANGUAGES
        }

    def words(self, language: str | None = None) -> Formatter:
        """Return the formatter of this moment in a language, by default the hub's."""
        language = supported_or_default(language or self._settings.language)
        return Formatter(translations_for(language), self._zone, datetime.now(UTC), language)

    def page(self, template: str, words: Formatter, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 (for templates)
        """Return a rendered page in the language of these words."""
        text = self.fragment(template, words, status=status, **values)
        return HTMLResponse(text, status, dict(_OF_ONE_BROWSER))

    def fragment(self, template: str, words: Formatter, **values: Any) -> str:  # noqa: ANN401 (for templates)
        """Return a piece of a page."""
        return self._environments[words.language].get_template(template).render(words=words, **values)

    def static(self, name: str) -> Response:
        """Return a packaged file. Raises HTTPException 404."""
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404)
        media_type = _TYPES[name.rpartition(".")[2]]
        return Response(content, media_type=media_type, headers={"Cache-Control": _FOR_GOOD})

    def _environment(self, language: str) -> Environment:
        environment = Environment(
            loader=PrefixLoader({area: PackageLoader(f"hubwell.web.{area}") for area in AREAS}),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
            bytecode_cache=_COMPILED,
        )
        environment.install_gettext_translations(translations_for(language), newstyle=True)  # type: ignore[attr-defined] # added by the extension
        environment.globals |= {
            "hub_name": self._settings.hub_name,
            "hub_colours": f"/hub.css?v={self._settings.colour[1:]}" if self._settings.colour else "",
            "zone": self._settings.zone,
            "has_virtual_cards": self._settings.demo_socket is not None,
            "lang": language,
            "languages": LANGUAGES,
            "static": self.address,
            "typed": partial(as_shown, host=self._settings.http_host),
        }
        return environment

    def address(self, name: str) -> str:
        """Return the address of a packaged file, which changes with its content."""
        digest = hashlib.sha256(self._files[name]).hexdigest()[:12]
        return f"/static/{name}?v={digest}"


def renderer_of(request: Request) -> Renderer:
    """Return the renderer of the application that answers the request."""
    renderer: Renderer = request.app.state.renderer
    return renderer


def _static_files() -> dict[str, bytes]:
    folder = files("hubwell.web").joinpath("static")
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }
