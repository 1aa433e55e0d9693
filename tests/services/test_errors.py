"""Refusals: English for programs, the reader's language on pages, one text per code."""

from gettext import GNUTranslations
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from hubwell.errors import N_, DomainError, ErrorKind, error_text
from hubwell.i18n import translations_for

OVERLAPS = ErrorKind("overlaps", N_("You have another session at that time: {title}."), "start")
GONE = ErrorKind("badge-gone", N_("This tap is too old."), status=404)


def _italian() -> GNUTranslations:
    catalog = Catalog(locale="it")
    catalog.add(OVERLAPS.text, "In quel momento hai un'altra sessione: {title}.")
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def test_its_text_is_english_with_the_parameters() -> None:
    error = DomainError(OVERLAPS, title="Welding")

    assert str(error) == "You have another session at that time: Welding."
    assert (error.code, error.field, error.kind.status) == ("overlaps", "start", 422)
    assert error_text(error, translations_for("en")) == str(error)


def test_a_page_gets_the_readers_language() -> None:
    error = DomainError(OVERLAPS, title="Saldatura")

    assert error_text(error, _italian()) == "In quel momento hai un'altra sessione: Saldatura."


def test_braces_in_a_parameter_are_text() -> None:
    error = DomainError(OVERLAPS, title="{title} {0}")

    assert "{title} {0}" in str(error)
    assert "{title} {0}" in error_text(error, _italian())


def test_a_kind_without_parameters_or_field() -> None:
    error = DomainError(GONE)

    assert (str(error), error.field, error.kind.status) == ("This tap is too old.", "", 404)


def test_a_missing_parameter_is_a_bug_that_shows_at_once() -> None:
    with pytest.raises(KeyError):
        DomainError(OVERLAPS)
