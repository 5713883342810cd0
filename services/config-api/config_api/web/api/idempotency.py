"""A POST that comes twice with one `Idempotency-Key` is done once; the second time it gets the answer of the first.

The header is that of draft-ietf-httpapi-idempotency-key-header-07. A key belongs to the credential that it came with,
and is kept for 24 hours, with a hash of the request and the sealed answer.

What was refused (4xx), or could not begin, was not done: its key is free again. What may have been done, but left no
answer, is never done again under the same key.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from http import HTTPStatus
from typing import IO, Any, cast

import structlog
from flask import Response, make_response, request
from werkzeug.exceptions import HTTPException

from config_api.backend import Backend, backend
from config_api.errors import DomainError
from config_api.web.problem import FieldError, Problem, invalid
from pipeline.contracts.limits import KiB
from pipeline.errors import TryLater
from pipeline.postgres.statements import Statements
from pipeline.secrets import BadSecretKey

log = structlog.get_logger(__name__)

SQL = Statements.of("config_api.web.api")
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_PATTERN = r"^[!-~]{1,255}$"
MOST_KEPT = 10_000  # keys of one credential
LARGEST_ANSWER = 64 * KiB  # that is kept
IN_HAND = 120.0  # seconds; no request is worked on for longer
UNCERTAIN = frozenset({"postgres", "answer"})  # what is away may have done its work all the same
OWN_HEADERS = ("Content-Type", "Location", "ETag", "Cache-Control")


@dataclass(frozen=True, slots=True)
class Claim:
    """A key, whose it is, and the SHA-256 of the request that it came with."""

    credential: bytes
    key: str
    request: bytes

    @property
    def owner(self) -> str:
        """What its sealed answer belongs to."""
        return f"answer {self.credential.hex()} {self.key}"


def once(credential: bytes, body: IO[bytes], view: Callable[[], Any]) -> Any:
    """What the view gives; where this request was done before, the answer that it got then.

    Raises Problem 409 while the first one is worked on, or where nobody knows how it ended; 422 for a key that is none,
    or was used for another request; 429 for too many keys.
    """
    claim = _claim(credential, body)
    if claim is None:
        return view()
    back = backend()
    before = back.run(_before(back, claim))
    if before is not None:
        return before
    try:
        answer = make_response(view())
    except BaseException as error:
        if not _may_be_done(error):
            _release(back, claim)
        raise
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        _keep(back, claim, answer)
    else:
        _release(back, claim)
    return answer


def _claim(credential: bytes, body: IO[bytes]) -> Claim | None:
    if HEADER not in request.headers:
        return None
    key = request.headers[HEADER].strip()
    if len(key) > 2 and key[0] == key[-1] == '"':  # a string of structured fields (RFC 9651, section 3.3.3)
        key = key[1:-1]
    if not re.fullmatch(KEY_PATTERN, key):
        raise invalid(FieldError(field=HEADER, text="Use 1 to 255 visible ASCII characters, a UUID perhaps."))
    asked = sha256(f"{request.method} {request.full_path}\n".encode(errors="surrogatepass"))
    asked.update(file_digest(cast(Any, body), "sha256").digest())
    body.seek(0)
    return Claim(credential, key, asked.digest())


async def _before(back: Backend, claim: Claim) -> Response | None:
    """The answer that the request got before; None where it is the first one: the key is taken for it."""
    async with back.database.transaction() as connection:
        await connection.execute(SQL["forget_old"])
        if await connection.fetchval(SQL["kept_of"], claim.credential) >= MOST_KEPT:
            text = f"{MOST_KEPT:,} keys of this token are kept already; each one goes after 24 hours."
            raise Problem(429, "Too many idempotency keys", text, retry_after=3600)
        if await connection.fetchval(SQL["claim"], claim.credential, claim.key, claim.request) is not None:
            return None
        row = await connection.fetchrow(SQL["claimed"], claim.credential, claim.key)
    if row is None:  # its first request was refused at this very moment
        raise _still_in_hand()
    if row["request"] != claim.request:
        wrong = FieldError(field=HEADER, text="This key was used for another request; use a new one.")
        raise invalid(wrong)
    if row["status"] is None and row["age"] < IN_HAND:
        raise _still_in_hand()
    if row["answer"] is None:
        raise Problem(409, "Not known how it ended", "Look whether it was done; to do it again, use a new key.")
    return _answered(back, claim, row["status"], row["answer"])


def _still_in_hand() -> Problem:
    return Problem(409, "Still being done", "The same request is being worked on. Ask again soon.", retry_after=1)


def _answered(back: Backend, claim: Claim, status: int, sealed: str) -> Response:
    try:
        kept = json.loads(back.keys.open(sealed, belongs_to=claim.owner))
    except BadSecretKey:
        text = "It was done. Its answer was kept under a key that is no longer in DMARQ_SECRET_KEY."
        raise Problem(409, "The answer cannot be read", text) from None
    return Response(kept["body"], status, {**kept["headers"], REPLAYED: "true"})


def _keep(back: Backend, claim: Claim, answer: Response) -> None:
    """Whoever asks again where this fails is told that nobody knows how it ended."""
    body = answer.get_data(as_text=True)
    headers = {name: answer.headers[name] for name in OWN_HEADERS if name in answer.headers}
    kept = json.dumps({"headers": headers, "body": body})
    sealed = back.keys.seal(kept, belongs_to=claim.owner) if len(kept) <= LARGEST_ANSWER else None
    try:
        back.run(_write(back, "keep", claim, answer.status_code, sealed))
    except TryLater as error:
        log.warning("answer_not_kept", dependency=error.dependency, detail=error.detail[:200])


def _release(back: Backend, claim: Claim) -> None:
    with suppress(TryLater):  # then the key stays taken, which is safe
        back.run(_write(back, "release", claim))


async def _write(back: Backend, statement: str, claim: Claim, *values: Any) -> None:
    async with back.database.connection() as connection:
        await connection.execute(SQL[statement], claim.credential, claim.key, *values)


def _may_be_done(error: BaseException) -> bool:
    """Whether a view that ended so may have done its work; what it refused, it has not done."""
    if isinstance(error, TryLater):
        return error.dependency in UNCERTAIN
    return not isinstance(error, Problem | DomainError | HTTPException)
