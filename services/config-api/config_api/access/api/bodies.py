"""What requests about tokens and the password carry."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from config_api.access.scopes import Scope
from config_api.access.tokens import TokenName


class TokenRequest(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    name: TokenName
    scope: Scope


class PasswordRequest(BaseModel):
    """A password to sign in with; null removes it."""

    model_config = ConfigDict(extra="forbid")

    current: SecretStr = Field(description="The present password, or the admin token.")
    password: SecretStr | None
