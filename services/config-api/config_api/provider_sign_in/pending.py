"""Sign-ins that a browser has begun: what the mailbox is to be, kept sealed, good once and for some minutes."""

from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict

from config_api.backend import Backend
from config_api.errors import Gone
from pipeline.contracts.authorization import SignIn
from pipeline.postgres.statements import Statements
from pipeline.secrets import BadSecretKey

SQL = Statements.of("config_api.provider_sign_in")

LIFE = 900  # seconds
MOST = 100  # the newest are kept
OVER = "It was started in another browser, took too long, or is finished already. Open the mailbox and sign in again."


class Wanted(BaseModel):
    """A mailbox as somebody filled it in: a new one without `mailbox_id`, else a change of that `version`.

    `values` is a JSON merge patch without secrets; `secrets` are those that were typed.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    values: dict[str, Any]
    secrets: dict[str, str] = {}
    mailbox_id: str | None = None
    version: int | None = None


class _Kept(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    wanted: Wanted
    redirect_uri: str
    verifier: str


async def keep(backend: Backend, wanted: Wanted, sign_in: SignIn, *, session: str) -> None:
    """Keeps it until the browser with this session's cookie comes back with the state."""
    kept = _Kept(wanted=wanted, redirect_uri=sign_in.redirect_uri, verifier=sign_in.verifier)
    sealed = backend.keys.seal(kept.model_dump_json(), belongs_to=_place_of(sign_in.state))
    async with backend.database.connection() as connection:
        await connection.execute(SQL["keep"], _digest(sign_in.state), _digest(session), sealed, float(LIFE), MOST - 1)


async def take(backend: Backend, state: str, *, session: str) -> tuple[Wanted, SignIn]:
    """What was kept; it is good no more. Raises Gone for a state that is unknown, over, or another browser's."""
    async with backend.database.connection() as connection:
        sealed = await connection.fetchval(SQL["take"], _digest(state), _digest(session))
    try:
        if sealed is None:
            raise BadSecretKey
        kept = _Kept.model_validate_json(backend.keys.open(sealed, belongs_to=_place_of(state)))
    except BadSecretKey:
        raise Gone(OVER, title="This sign-in cannot be finished") from None
    return kept.wanted, SignIn(kept.redirect_uri, state=state, verifier=kept.verifier)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _place_of(state: str) -> str:
    return f"pending sign-in {_digest(state).hex()}"
