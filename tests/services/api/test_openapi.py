"""The OpenAPI document is complete: a program's author needs nothing else."""

from types import ModuleType
from typing import Any

from pydantic import BaseModel

from hubwell.app import create_app
from hubwell.settings import Settings


def _document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def _operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in _document()["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_says_what_it_does() -> None:
    names = set()
    for name, operation in _operations():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        names.add(operation["operationId"])
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])
    assert len(names) == len(_operations()) == 119


def test_every_error_is_a_problem() -> None:
    for name, operation in _operations():
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                reference = response["content"]["application/problem+json"]["schema"]["$ref"]
                assert reference.endswith("/Problem"), (name, status)


def test_every_operation_of_the_interface_can_say_that_the_database_is_away() -> None:
    for name, operation in _operations():
        if "/api/v1" in name:
            assert "503" in operation["responses"], name


def _models(module: ModuleType) -> set[type[BaseModel]]:
    return {item for item in vars(module).values() if isinstance(item, type) and issubclass(item, BaseModel)}


def test_examples_are_what_the_models_accept() -> None:
    from hubwell.api import health, schemas  # noqa: PLC0415 (to walk over what is in them)
    from hubwell.http import errors  # noqa: PLC0415 (to walk over what is in them)

    seen = 0
    for model in {*_models(health), *_models(schemas), *_models(errors)}:
        config = getattr(model, "model_config", {})
        for example in (config.get("json_schema_extra") or {}).get("examples", []):
            accepted = model.model_validate(example)
            assert accepted.model_dump(mode="json", by_alias=True).keys() == example.keys()
            seen += 1
    assert seen == 6


def test_pages_are_no_part_of_it() -> None:
    assert all(name.split()[1].startswith(("/api/v1/", "/metrics")) for name, _ in _operations())
