"""A change of keys: everything that is kept under DMARQ_SECRET_KEY is sealed again under its first key.

Not here: the tokens of OAuth sign-ins, which a fetcher seals again when it starts, and what lives a day at most (the
answers that are kept for `Idempotency-Key`, sign-ins in the middle of it).
"""

from flask import Blueprint
from pydantic import BaseModel, Field

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Conflict
from config_api.mailboxes import store as mailboxes
from config_api.notifications import channels
from config_api.web.contract import PREFIX, operation
from pipeline.secrets import BadSecretKey

routes = Blueprint("api_rotation", __name__, url_prefix=f"{PREFIX}/mailboxes")  # where clients know it


class Rotated(BaseModel):
    """How many secrets are kept under the first key now."""

    mailboxes: int
    channels: int = Field(description="Notification channels: their URLs, headers, passwords and signing keys.")


@routes.post("/rotate-secrets")
@operation(Scope.ADMIN, gives=Rotated, fails=(409,))
async def rotate_secrets() -> Rotated:
    """Encrypt the secrets of every mailbox and notification channel again, under the first key of DMARQ_SECRET_KEY."""
    try:
        return Rotated(mailboxes=await mailboxes.rotate(backend()), channels=await channels.rotate(backend()))
    except BadSecretKey as error:
        raise Conflict(str(error), title="A key is missing") from None
