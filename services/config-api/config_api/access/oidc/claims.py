"""From what a provider says of somebody to what they may do here. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from config_api.access.scopes import Role
from config_api.access.users.model import Domains
from config_api.errors import DomainError
from pipeline.settings import Settings, SettingsError

MAX_VALUES = 1000  # of a claim
ALL_DOMAINS = "*"
_DOMAINS: TypeAdapter[list[str]] = TypeAdapter(Domains)


class Refused(DomainError):
    """The provider knows them, and they may not come in; the text says why."""

    title = "Not signed in"


@dataclass(frozen=True, slots=True)
class Rules:
    """`roles`: the role of each value of `role_claim`; empty: roles are given here, under Users. `default_role`: of
    those without such a value; None: they are refused. `domains_claim`: what names a viewer's domains, or empty."""

    roles: Mapping[str, Role]
    role_claim: str
    default_role: Role | None
    domains_claim: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the settings. Raises SettingsError."""
        default = settings.oidc_default_role
        return cls(
            roles=_mapped(settings.oidc_roles),
            role_claim=settings.oidc_role_claim,
            default_role=Role(default) if default else None,
            domains_claim=settings.oidc_domains_claim,
        )

    def role_of(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest role among the values of the claim, or the default one. Raises Refused.

        None: there is no default, and roles are given here.
        """
        order = list(Role)
        found = [self.roles[value] for value in values_at(claims, self.role_claim) if value in self.roles]
        role = max(found, key=order.index, default=self.default_role)
        if role is None and self.roles:
            raise Refused("The provider names no group of yours that may use DMARQ. Ask whoever runs it.")
        return role

    def domains_of(self, claims: Mapping[str, Any]) -> list[str] | None:
        """The only domains that a viewer sees; None: all. Raises Refused where the claim names none."""
        found = values_at(claims, self.domains_claim)
        if ALL_DOMAINS in found:
            return None
        try:
            return sorted(set(_DOMAINS.validate_python(found)))
        except ValidationError:
            raise Refused("The provider names no domains for you to see. Ask whoever runs it.") from None


def name_of(claims: Mapping[str, Any]) -> str:
    """What a new user is called: the address that the provider vouches for, else the name it uses, else its id."""
    for found in (verified_email(claims), claims.get("preferred_username"), claims.get("sub")):
        if isinstance(found, str) and found.strip():
            return found.strip()[:100]
    raise Refused("The provider does not say who you are.")


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """The email address, where the provider says that it is theirs."""
    email = claims.get("email")
    return email if isinstance(email, str) and "@" in email and claims.get("email_verified") is True else None


def values_at(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts of a claim, by its name or, as in `realm_access.roles`, by a path of names."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return [value for value in listed[:MAX_VALUES] if isinstance(value, str)]


def _mapped(text: str) -> dict[str, Role]:
    """`value=role, value=role`; a value may hold "=". Raises SettingsError."""
    pairs = [pair.strip().rpartition("=") for pair in text.split(",") if pair.strip()]
    try:
        return {value.strip(): Role(role.strip()) for value, _, role in pairs}
    except ValueError:
        roles = ", ".join(Role)
        raise SettingsError(f"DMARQ_OIDC_ROLES: should be pairs like staff=viewer; roles are {roles}") from None
