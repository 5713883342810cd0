"""The code of a sign-in on its way to a fetcher, and what came of it: only fetchers have a way out to a provider.

Code, verifier and tokens travel sealed, each opens only beside the settings that it was sealed for.
"""

import json
from typing import Self

from pydantic import BaseModel, ConfigDict

from pipeline.contracts.authorization import SignIn
from pipeline.contracts.connection_test import Category
from pipeline.contracts.destination import belonging
from pipeline.contracts.mailbox import Mailbox, MailboxSettings
from pipeline.jetstream.mailboxes import SealedMailbox, seal
from pipeline.secrets import Keyring


class CodeExchange(BaseModel):
    """Exchange this code for the mailbox's refresh token. `proof` is the sealed code with its verifier."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mailbox: SealedMailbox
    redirect_uri: str
    proof: str

    @classmethod
    def of(cls, mailbox: Mailbox, sign_in: SignIn, code: str, keys: Keyring) -> Self:
        """The request; `mailbox` has the client's secret, where the provider wants one."""
        plain = json.dumps([code, sign_in.verifier])
        proof = keys.seal(plain, belongs_to=_proof_of(mailbox.id, mailbox.settings))
        return cls(mailbox=seal(mailbox, keys), redirect_uri=sign_in.redirect_uri, proof=proof)

    def opened(self, keys: Keyring) -> tuple[str, str]:
        """The code and its verifier. Raises BadSecretKey."""
        code, verifier = json.loads(keys.open(self.proof, belongs_to=_proof_of(self.mailbox.id, self.mailbox.settings)))
        return code, verifier


class CodeExchanged(BaseModel):
    """What came of it: the mailbox's `secret` sealed again, a refresh token in it; or why there is none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    secret: str = ""
    category: Category = Category.OK
    detail: str = ""


def _proof_of(mailbox_id: str, settings: MailboxSettings) -> str:
    return f"sign-in {belonging(mailbox_id, settings)}"
