"""What a request that failed gets: a problem for a program, a page for a person; never a traceback."""

from http import HTTPStatus

import structlog
from flask import Flask, Response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from config_api import errors
from config_api.web import problem
from config_api.web.contract import PREFIX
from config_api.web.problem import Problem
from pipeline.errors import StoreFull, TryLater

log = structlog.get_logger(__name__)

RETRY_AFTER = 5  # seconds
MACHINE_PATHS = (PREFIX, "/healthz", "/readyz", "/metrics")
STATUSES: dict[type[errors.DomainError], int] = {
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Changed: 412,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.VersionMissing: 428,
    errors.TooManyTries: 429,
    errors.Unavailable: 503,
}
FULL_RETRY_AFTER = 30  # seconds
FULL = (
    "There is no room for large files just now. The oldest refused emails are thrown away to make some: try again in a"
    " minute. Files of up to 256 kB are taken meanwhile."
)
NAMES = {"postgres": "The database", "nats": "The message bus", "answer": "The server behind this page"}


def handle_errors(app: Flask) -> None:
    """Every error that a view raises becomes an answer."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(errors.DomainError, _domain)
    app.register_error_handler(TryLater, _later)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _problem(wrong: Problem) -> AnyResponse:
    if _is_for_machine():
        response = Response(wrong.body.model_dump_json(), wrong.status, content_type=problem.MEDIA_TYPE)
    elif wrong.status == HTTPStatus.UNAUTHORIZED:
        return redirect("/sign-in", code=303)
    else:
        response = Response(error_page(wrong.status, wrong.title, wrong.detail), wrong.status)
    if wrong.retry_after is not None:
        response.headers["Retry-After"] = str(wrong.retry_after)
    if wrong.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="dmarq"'
    return response


def status_of(error: errors.DomainError) -> int:
    """The status of HTTP that an error of the domain is answered with."""
    return STATUSES.get(type(error), 409)


def problem_of(error: errors.DomainError) -> Problem:
    """What a program or a person is told of an error of the domain."""
    status = status_of(error)
    retry_after = error.retry_after
    if retry_after is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after = RETRY_AFTER
    return Problem(status, error.title, error.detail, errors=error.errors, retry_after=retry_after)


def _domain(error: errors.DomainError) -> AnyResponse:
    return _problem(problem_of(error))


def _later(error: TryLater) -> AnyResponse:
    log.warning("dependency_away", dependency=error.dependency, detail=error.detail[:200], path=request.path)
    if isinstance(error, StoreFull):
        return _problem(Problem(503, "The store is full", FULL, retry_after=FULL_RETRY_AFTER))
    name = NAMES.get(error.dependency, error.dependency)
    text = f"{name} does not answer just now. Try again in some seconds."
    return _problem(Problem(503, "Not available just now", text, retry_after=RETRY_AFTER))


def _http(error: HTTPException) -> AnyResponse:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return AnyResponse.force_type(error.get_response(request.environ), request.environ)
    response = _problem(Problem(error.code, error.name, error.description or ""))
    for name in ("Allow", "Retry-After"):
        value = error.get_response(request.environ).headers.get(name)
        if value is not None:
            response.headers[name] = value
    return response


def _bug(error: Exception) -> AnyResponse:
    log.exception("request_failed", path=request.path, error=type(error).__name__)
    return _problem(Problem(500, "This should not have happened", "The log of config-api says what went wrong."))


def _is_for_machine() -> bool:
    return request.path.startswith(MACHINE_PATHS)


def error_page(status: int, title: str, text: str) -> str:
    """A page in the usual frame: `status` chooses the advice, `text` says what happened."""
    return render_template("error.html", status=status, title=title, text=text)
