"""One way to say what a route takes, gives and needs; it is checked, enforced and described from the same words.

spectree validates and writes the OpenAPI document. Fixed here: its own answer to a bad request repeats what was sent
(a password, perhaps), a body that is no JSON passes for an empty one, and every answer is said to be plain JSON.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum
from functools import cache, wraps
from importlib.metadata import version
from inspect import cleandoc
from io import BytesIO
from typing import IO, Any, cast

from flask import Response as FlaskResponse
from flask import g, request
from pydantic import BaseModel, ValidationError
from spectree import Response, SecurityScheme, SpecTree
from spectree.model_adapter.protocol import SchemaMode
from spectree.model_adapter.pydantic_adapter import PydanticModelAdapter
from spectree.models import SecureType, SecuritySchemeData
from spectree.plugins.flask_plugin import FlaskPlugin

from config_api.web import problem, validation
from config_api.web.api import idempotency, rate_limit
from config_api.web.needs import needs
from config_api.web.problem import Problem, ProblemBody
from config_api.web.view import is_async, on_loop

PREFIX = "/api/v1"
VERSION = version("dmarq-config-api")
DESCRIPTION = (
    "Mailboxes, activity, reports, dead letters and notifications. Send a token: `Authorization: Bearer …`. "
    "Lists come in pages: pass `next_cursor` as `cursor` to go on. Errors are application/problem+json (RFC 9457). "
    "Every POST takes an `Idempotency-Key`: sent again with it, the request is not done again. Answers say in "
    "`RateLimit` (draft-ietf-httpapi-ratelimit-headers) how many requests are left in this minute."
)
ALWAYS = (400, 401, 403, 413, 422, 429, 503)  # what any route may answer
BODIES = frozenset({"POST", "PUT", "PATCH"})
BYTES_TAKEN: dict[str, Callable[[], int]] = {}  # operations whose body is no JSON but bytes, and how many they take

View = Callable[..., Any]


class Answers(Response):
    """Responses as they are really sent: problems as problem+json, some lists as CSV too, files as they are."""

    def __init__(self, *, media: Sequence[str], headers: Mapping[str, str], **models: Any) -> None:
        super().__init__(**models)
        self._media = tuple(media)
        self._headers = dict(headers)

    def generate_spec(self, naming_strategy: Any = None) -> dict[str, Any]:
        """The responses of the OpenAPI document."""
        described = super().generate_spec(naming_strategy)
        for status, answer in described.items():
            content = answer.get("content", {})
            if int(status) >= 400:
                answer["content"] = {problem.MEDIA_TYPE: content["application/json"]}
                continue
            for media in self._media:
                answer.setdefault("content", {})[media] = {"schema": {"type": "string"}}
            if self._headers:
                answer["headers"] = {
                    name: {"description": text, "schema": {"type": "string"}} for name, text in self._headers.items()
                }
        return described


class _Plugin(FlaskPlugin):
    def validate_response(self, resp: Any, *_: Any) -> tuple[FlaskResponse, None]:
        payload, status, headers = resp if isinstance(resp, tuple) else (resp, 200, {})
        if isinstance(payload, FlaskResponse):
            return payload, None
        text = payload.model_dump_json() if isinstance(payload, BaseModel) else ""
        return FlaskResponse(text, status, headers, mimetype="application/json" if text else None), None


class _Models(PydanticModelAdapter):
    """Describes each model once: every operation brings the same problems along, which took half of our start."""

    def json_schema(self, model: type[Any], *, ref_template: str, mode: SchemaMode = "validation") -> dict[str, Any]:
        """The JSON schema of the model."""
        return _schema(cast(Hashable, model), ref_template, mode)


@cache
def _schema(model: Hashable, ref_template: str, mode: SchemaMode) -> dict[str, Any]:
    return PydanticModelAdapter().json_schema(cast(type[Any], model), ref_template=ref_template, mode=mode)


def _complain(_request: Any, _response: Any, error: Exception | None, *_: Any) -> None:
    if isinstance(error, ValidationError):
        raise validation.complaint(error) from None


def _model_name(model: Any) -> str:
    return str(model.__name__).replace("[", "Of").replace("]", "")


spec = SpecTree(
    backend=_Plugin,
    mode="strict",
    title="DMARQ",
    version=VERSION,
    description=DESCRIPTION,
    page_templates={},
    before=_complain,
    model_adapter=cast(Any, _Models()),
    validation_error_model=ProblemBody,
    naming_strategy=_model_name,
    nested_naming_strategy=lambda _parent, child: str(child).replace("[", "Of").replace("]", "").strip("_"),
    security_schemes=[
        SecurityScheme(name="token", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")),
    ],
    security={"token": []},
)


def operation(
    scope: StrEnum,
    *,
    gives: type[BaseModel] | None = None,
    status: int = 200,
    media: Sequence[str] = (),
    fails: Sequence[int] = (),
    headers: Mapping[str, str] | None = None,
) -> Callable[[View], View]:
    """Decorates a view of the API, and declares what it needs (`web/needs.py`).

    The view's arguments `query`, `json` and `headers` say by their types what it takes. It gives a model, or (model,
    status, headers), or a response. `fails` are the statuses it may end with beside those that any route may. One that
    is `async def` runs on the loop.
    """

    def decorate(view: View) -> View:
        models: dict[str, Any] = {f"HTTP_{code}": ProblemBody for code in sorted({*ALWAYS, *fails})}
        answers = Answers(media=media, headers=headers or {}, **{f"HTTP_{status}": gives}, **models)
        validated = spec.validate(resp=answers, tags=(_tag(view),), operation_id=view.__name__)(
            on_loop(view) if is_async(view) else view
        )

        @wraps(validated)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            credential: bytes = g.credential  # of who was let in, see `needs`
            rate_limit.count(credential)
            if request.method != "POST":
                _check_body()
                return validated(*args, **kwargs)
            body = _bytes(BYTES_TAKEN[view.__name__]()) if view.__name__ in BYTES_TAKEN else _check_body()
            return idempotency.once(credential, body, lambda: validated(*args, **kwargs))

        guarded.__doc__ = f"{cleandoc(view.__doc__ or '')}\n\nScope: {scope}."
        return needs(scope, for_pages=False)(guarded)

    return decorate


def takes_bytes(most: Callable[[], int]) -> Callable[[View], View]:
    """Marks a view, before it becomes an operation, whose body is no JSON but bytes; `most`: how many, at a request."""

    def mark(view: View) -> View:
        BYTES_TAKEN[view.__name__] = most
        return view

    return mark


def _tag(view: View) -> str:
    return view.__module__.split(".")[1].replace("_", " ")  # the package, which is of one domain


def _bytes(most: int) -> IO[bytes]:
    """The body as it comes, where no more is announced. Raises RequestEntityTooLarge."""
    request.max_content_length = most
    _ = request.stream
    return cast(IO[bytes], request.environ["wsgi.input"])


def _check_body() -> IO[bytes]:
    """The body, which must be a JSON object; none is as good as an empty one."""
    data = request.get_data(cache=True) if request.method in BODIES else b""
    if data:
        _expect_json()
    return BytesIO(data)


def _expect_json() -> None:
    if not request.is_json:
        raise Problem(415, "Send JSON", "The body needs Content-Type: application/json.")
    if not _holds_an_object():
        raise Problem(400, "Not a JSON object", "The body must be one JSON object.")
    validation.check_text(request.get_json())


def _holds_an_object() -> bool:
    try:
        return isinstance(request.get_json(silent=True), dict)
    except RecursionError:  # nested deeper than can be read
        return False
