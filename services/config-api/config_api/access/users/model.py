"""Users as programs and pages send and see them."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from config_api.access.scopes import Role
from config_api.web.absence import Maybe

MAX_DOMAINS = 500
UserName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]


def _without_root(name: str) -> str:
    """The name without dots at its end. One of nothing else would be that of all domains together."""
    found = name.rstrip(".")
    if not found:
        raise ValueError("name a domain")
    return found


DomainName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, min_length=1, max_length=253, pattern="^[^\\s\\x00-\\x1f\\x7f,'\"\\\\]+$"
    ),
    AfterValidator(_without_root),
]
Domains = Annotated[list[DomainName], Field(min_length=1, max_length=MAX_DOMAINS)]


class Rights(BaseModel):
    """What a user may do. Pure."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    domains: Maybe[Domains] = Field(None, description="The only domains that a viewer sees; left out: all.")

    @model_validator(mode="after")
    def _only_viewers_are_bound(self) -> Self:
        if self.domains and self.role is not Role.VIEWER:
            raise ValueError("only a viewer may be bound to domains")
        return self


class UserInput(Rights):
    """A user to be added. Without a password they sign in with the OpenID provider, which must vouch for the name as
    their email address."""

    name: UserName
    password: Maybe[SecretStr] = None


class UserPatch(BaseModel):
    """What is to change; what is left out stays. `domains` null: all of them."""

    model_config = ConfigDict(extra="forbid")

    role: Maybe[Role] = None
    domains: Domains | None = None
    disabled: Maybe[bool] = None
    password: Maybe[SecretStr] = None

    def applied_to(self, before: "UserView") -> dict[str, Any]:
        """Role and domains afterwards, as Rights takes them. Whoever is a viewer no more sees all domains."""
        sent = self.model_dump(exclude_unset=True, include={"role", "domains"})
        role = sent.get("role") or before.role
        return {"role": role, "domains": sent.get("domains", before.domains if role == Role.VIEWER else None)}


class UserView(BaseModel):
    """A user, but for their password."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    role: Role
    domains: list[str] | None = Field(description="The only domains that this viewer sees; null: all.")
    disabled: bool
    has_password: bool
    has_provider: bool = Field(description="Whether they have signed in with the OpenID provider.")
    created_at: datetime
    last_sign_in_at: datetime | None

    @property
    def in_words(self) -> dict[str, str]:
        """What they may do, as the audit log says it."""
        return {
            "role": self.role.value,
            "domains": ", ".join(self.domains) if self.domains else "all",
            "disabled": "yes" if self.disabled else "no",
        }


NAMES = {"role": "Role", "domains": "Domains", "disabled": "Disabled"}
