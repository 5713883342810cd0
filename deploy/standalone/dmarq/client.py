"""The HTTP API from the command line: where it is, who we are, and its problems in one line."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import click
import httpx

from pipeline.settings import Settings

TIMEOUT_S = 60.0
BUSY_FOR_S = 600.0
BUSY_WAIT_S = 1.0
QUOTA_WAIT_S = 60.0
PAGE = 200
_FILE_NAME = re.compile(r'filename="?([^";]+)"?')


class ApiError(click.ClickException):
    """The API is away, or said no; the text is fit for a user. `status` is that of the answer, 0 without one."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """Speaks to config-api, as a context manager. Every call raises ApiError with a line that says what to do.

    One that is beyond the quota of the minute waits for the next one.
    """

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {token}", "User-Agent": f"dmarq/{version('dmarq')}"}  # for the audit log
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=timeout_s)

    @classmethod
    def here(cls, *, timeout_s: float = TIMEOUT_S) -> Self:
        """The client of the `dmarq run` on this machine, or of the server that the environment names.

        DMARQ_PUBLIC_URL (or DMARQ_HTTP_ADDRESS) says where; DMARQ_ADMIN_TOKEN holds the admin token or an API token,
        else the one in the data directory is used.
        """
        settings = Settings.load()
        url = settings.public_url.rstrip("/") or f"http://{settings.http_address}"
        token = settings.admin_token.get_secret_value() or _kept_token(settings.data_dir)
        if not token:
            raise ApiError(
                f"no token: set DMARQ_ADMIN_TOKEN, or name the data directory of `dmarq run` in DMARQ_DATA_DIR "
                f"(looked in {settings.data_dir})"
            )
        return cls(url, token, timeout_s=timeout_s)

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON."""
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def change(self, path: str, body: Any) -> Any:
        """Changes a thing that has no versions."""
        return self._call("PATCH", path, json=body)

    def post(self, path: str, body: Any = None) -> Any:
        """The answer's JSON; None for an empty one."""
        return self._call("POST", path, json={} if body is None else body)

    def post_bytes(self, path: str, data: bytes, **query: Any) -> Any:
        """The same with bytes as the body. Waits where the server has no room just now, up to `BUSY_FOR_S`."""
        arguments = {"content": data, "params": query, "headers": {"Content-Type": "application/octet-stream"}}
        until = time.monotonic() + BUSY_FOR_S
        while True:
            try:
                return self._call("POST", path, **arguments)
            except ApiError as error:
                if error.status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > until:
                    raise
            time.sleep(BUSY_WAIT_S)

    def patch(self, path: str, body: Any, *, version: int) -> Any:
        """Changes a thing if it is still this version."""
        return self._call("PATCH", path, json=body, headers={"If-Match": f'"{version}"'})

    def delete(self, path: str, *, version: int | None = None) -> None:
        """Removes a thing; with a version only if it is still that one."""
        self._call("DELETE", path, headers={} if version is None else {"If-Match": f'"{version}"'})

    def download(self, path: str) -> bytes:
        """The answer's bytes."""
        return self._send("GET", path).content

    def save(self, path: str, target: Path) -> str:
        """Writes the answer's bytes to a new file, piece by piece; gives the name that the server has for it, or ""."""
        with self._faults_told(), self._http.stream("GET", path) as answer:
            if _is_over_quota(answer):
                time.sleep(_seconds(answer))
                return self.save(path, target)
            if answer.is_error:
                answer.read()
                raise ApiError(_problem(answer), status=answer.status_code)
            with target.open("xb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
            found = _FILE_NAME.search(answer.headers.get("Content-Disposition", ""))
        return found[1] if found else ""

    def items(self, path: str, *, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page, at most `limit`."""
        cursor = None
        while limit > 0:
            page = self.get(path, limit=min(limit, PAGE), cursor=cursor, **query)
            yield from page["items"]
            limit -= len(page["items"])
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._send(method, path, **arguments)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        while True:
            with self._faults_told():
                answer = self._http.request(method, path, **arguments)
            if not _is_over_quota(answer):
                break
            time.sleep(_seconds(answer))
        if answer.is_error:
            raise ApiError(_problem(answer), status=answer.status_code)
        return answer

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise ApiError(
                f"{self.url} does not answer ({type(error).__name__}): is `dmarq run` running? "
                "Set DMARQ_HTTP_ADDRESS or DMARQ_PUBLIC_URL if it listens elsewhere."
            ) from None


def segment(text: str) -> str:
    """What a user typed, as one segment of a path."""
    return quote(text, safe="")


def _kept_token(data_dir: Path) -> str:
    try:
        return (data_dir / "admin.secret").read_text().strip()
    except OSError:
        return ""


def _is_over_quota(answer: httpx.Response) -> bool:
    """Whether the token has sent what it may in this minute; too many wrong tokens are another matter."""
    return answer.status_code == HTTPStatus.TOO_MANY_REQUESTS and "RateLimit" in answer.headers


def _seconds(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), QUOTA_WAIT_S) if text.isdecimal() else BUSY_WAIT_S


def _problem(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"the server answered {answer.status_code}"
    words = [body.get("title") or str(answer.status_code), body.get("detail") or ""]
    words += [f"{error.get('field')}: {error.get('text')}" for error in body.get("errors") or []]
    return "; ".join(word for word in words if word)
