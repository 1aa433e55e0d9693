"""Building an application is cheap: the second of a process shares what the first has worked out."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from hubwell.app import create_app
from hubwell.settings import Settings


def dependants_of(app: FastAPI) -> dict[str, object]:
    routes = iter_route_contexts(app.routes)
    return {
        f"{route.methods} {route.path}": route.dependant for route in routes if hasattr(route, "dependant")
    }


def test_two_applications_share_the_dependencies_of_their_routes_and_no_state() -> None:
    one, other = (create_app(Settings(database_url=f"postgresql:///{name}")) for name in ("one", "other"))

    shared = dependants_of(other)
    assert len(shared) > 90
    for route, dependant in dependants_of(one).items():
        assert dependant is shared[route], route
    for name, part in vars(one.state)["_state"].items():
        immutable = isinstance(part, frozenset) or callable(part)
        assert immutable or part is not getattr(other.state, name) or part is None, name


def test_templates_are_compiled_once_a_process() -> None:
    one, other = (create_app(Settings(database_url="postgresql:///x")).state.renderer for _ in "12")

    def code_of(renderer: object, language: str) -> object:
        environment = vars(renderer)["_environments"][language]
        return environment.get_template("kit/away.html").root_render_func.__code__

    assert code_of(one, "en") is code_of(other, "et")
