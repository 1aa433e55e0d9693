"""Checks of the settings: each wrong one is one sentence, with the nearest right value."""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from hubwell.settings import Settings
from hubwell.vocabulary import LANGUAGES

_PREFIX: Final = "HUBWELL_"
_EXAMPLES: Final = {
    "time": "write it like 22:00",
    "bool": "write true or false",
    "url": "write it like https://hub.example",
}
_READ_ELSEWHERE: Final = frozenset({"DATA", "ENV_FILE", "GRAFANA", "HTTP", "MQTT", "CA_FILE", "CERTIFICATES"})
"""Variables of Compose, scripts and tests, which look like misspelt settings and are none."""
_MAY_HOLD_A_PASSWORD: Final = frozenset({"database_url", "broker_url", "webhook_url"})
"""Settings whose value is never printed."""
_IN_ENGLISH: Final = {
    "en": "english",
    "it": "italian",
    "fi": "finnish",
    "et": "estonian",
    "lv": "latvian",
    "nl": "dutch",
}


def wrong_settings() -> list[str]:
    """Return one sentence for each wrong setting of the environment, with the nearest right value."""
    try:
        Settings()
    except ValidationError as error:
        return [_sentence(dict(problem)) for problem in error.errors()]
    except SettingsError as error:
        match = re.search(r'field "(\w+)"', str(error))
        name = match[1] if match else "?"
        return [f'{_PREFIX}{name.upper()} is not JSON: write it like {{"key": "value"}}']
    return []


def misspelt_names(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return one sentence for each variable whose name is nearly, but not quite, that of a setting."""
    setting_names = [name.upper() for name in Settings.model_fields]
    sentences = []
    for variable in sorted(environment):
        name = variable.removeprefix(_PREFIX)
        if name == variable or name.upper() in setting_names or name in _READ_ELSEWHERE:
            continue
        near = get_close_matches(name.upper(), setting_names, n=1, cutoff=0.7)
        if near:
            sentences.append(f"{variable} is not a setting: did you mean {_PREFIX}{near[0]}?")
    return sentences


def _sentence(problem: dict[str, Any]) -> str:
    name = str(problem["loc"][0])
    setting_name = f"{_PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}"
    if name not in _MAY_HOLD_A_PASSWORD:
        setting_name += f"={problem['input']!r}"
    kind, context = str(problem["type"]), problem.get("ctx", {})
    if kind in {"literal_error", "enum"}:
        options = re.findall(r"'([^']+)'", context["expected"])
        near = _nearest(str(problem["input"]), options, name)
        hint = f"did you mean {near!r}?" if near else "write one of the others"
        return f"{setting_name} is not one of {', '.join(options)}: {hint}"
    if kind in {"less_than_equal", "greater_than_equal"}:
        bound = context.get("le", context.get("ge"))
        return f"{setting_name} is out of range: the nearest possible value is {bound}"
    if kind.startswith("int_"):
        return f"{setting_name} is not a whole number: {_number_near(str(problem['input']), name)}"
    if kind == "value_error":
        return f"{setting_name}: {context['error']}"
    if kind == "string_pattern_mismatch" and name == "site":
        near = re.sub(r"[^a-z0-9]+", "-", str(problem["input"]).lower()).strip("-")[:63] or "hub"
        return f"{setting_name} is not an id of lower-case letters, digits and '-': did you mean {near!r}?"
    example = _EXAMPLES.get(kind.partition("_")[0])
    return f"{setting_name}: {problem['msg']}" + (f"; {example}" if example else "")


def _nearest(given: str, options: list[str], name: str) -> str | None:
    """Return the option that is meant; a language may be given by a name, or with a country."""
    spellings = {option.casefold(): option for option in options}
    if name == "language":
        spellings |= {own.casefold(): code for code, own in LANGUAGES.items()}
        spellings |= {word: code for code, word in _IN_ENGLISH.items()}
    plain = given.strip().casefold()
    short = re.split(r"[-_.@ ]", plain)[0]
    near = get_close_matches(plain, spellings, n=1) or get_close_matches(short, spellings, n=1)
    return spellings[near[0]] if near else next((o for o in options if short.startswith(o)), None)


def _number_near(given: str, name: str) -> str:
    """Return what to write: the number that is meant as 1e3, 1,000, "8000 " or 80o0, else the default."""
    digits, default = "".join(re.findall(r"[0-9]+", given)), Settings.model_fields[name].default
    try:
        rounded = round(float(given.replace(",", "").replace("_", "")))
    except (ValueError, OverflowError):
        return f"did you mean {digits}?" if digits else f"the default is {default}"
    return f"did you mean {rounded}?"
