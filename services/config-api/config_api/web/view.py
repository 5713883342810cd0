"""What a page is made with: a view that waits on the loop, its template, filters and words, and the query in hand."""

import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, TypeAlias, overload

from flask import Flask, render_template, request

from config_api.backend import backend
from config_api.web import words
from config_api.web.formatting import FILTERS
from config_api.web.notes import PARAMETER, note

MAX_LENGTH = 500

View: TypeAlias = Callable[..., Any]
AsyncView: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Template:
    """A page to be rendered: what an asynchronous view gives, so that the loop is not held up by rendering."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)

    def rendered(self) -> str:
        """The page's text. Not on the loop."""
        return render_template(self.name, **self.values)


def template(name: str, /, **values: Any) -> Template:
    """The page of this template with these values."""
    return Template(name, values)


@overload
def on_loop(view: AsyncView, *, timeout: float | None = None) -> View: ...


@overload
def on_loop(view: None = None, *, timeout: float) -> Callable[[AsyncView], View]: ...


def on_loop(view: AsyncView | None = None, *, timeout: float | None = None) -> Any:
    """Decorates an `async def` view: it runs on the loop, beside the database and the bus; its template in a thread.

    `timeout` in seconds is the longest that the request waits; after it, it ends as while a dependency is away.
    """
    if view is None:
        return partial(on_loop, timeout=timeout)

    @wraps(view)
    def waiting(*args: Any, **kwargs: Any) -> Any:
        given = backend().run(view(*args, **kwargs), timeout=timeout)
        if isinstance(given, Template):
            return given.rendered()
        if isinstance(given, tuple) and isinstance(given[0], Template):
            return given[0].rendered(), *given[1:]
        return given

    return waiting


def is_async(view: Callable[..., Any]) -> bool:
    """Whether a view is to run on the loop."""
    return inspect.iscoroutinefunction(view)


def prepare(app: Flask) -> None:
    """Gives the app's templates their filters and names, once."""
    environment = app.jinja_env
    environment.filters.update(FILTERS, without=without, with_value=with_value, reason=words.reason, plain=words.plain)
    environment.globals.update(words=words, said=words.said, note=note)
    environment.trim_blocks = environment.lstrip_blocks = True


def query() -> dict[str, str]:
    """The filled-in parameters of the request, trimmed and bounded."""
    args = {name: cleaned(value) for name, value in request.args.items()}
    return {name: value for name, value in args.items() if value and name != PARAMETER}


def form() -> dict[str, str]:
    """The filled-in fields of the form that was sent, as `query` gives the parameters."""
    fields = {name: cleaned(value) for name, value in request.form.items()}
    return {name: value for name, value in fields.items() if value}


def cleaned(text: str) -> str:
    """What somebody typed or sent, without what no text of ours may hold: NUL, half characters, too much of it."""
    whole = text.encode("utf-8", "replace").decode()
    return whole.replace("\0", "").strip()[:MAX_LENGTH]


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping without these names."""
    return {name: value for name, value in values.items() if name not in names}


def with_value(values: Mapping[str, Any], name: str, value: object) -> dict[str, Any]:
    """The mapping with one name set."""
    return {**values, name: value}
