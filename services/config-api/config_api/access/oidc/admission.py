"""Whom a provider vouched for becomes a user: one whom it was before, one who was awaited, or a new one."""

from collections.abc import Mapping
from typing import Any

from config_api.access.audit import entries
from config_api.access.audit.entries import Actor
from config_api.access.oidc.claims import Refused, Rules, name_of, verified_email
from config_api.access.scopes import Role
from config_api.access.sessions import Client, Proof
from config_api.access.users import store
from config_api.access.users.model import Rights, UserInput, UserView
from config_api.access.users.store import SQL
from config_api.errors import Conflict, Invalid
from config_api.web.validation import validated
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.types import storable


async def admitted(
    database: Database, rules: Rules, claims: Mapping[str, Any], client: Client, *, issuer: str, creates: bool
) -> Proof:
    """Who they are here, with what the claims say they may do. Raises Refused, with words for them."""
    name = name_of(claims)
    entries.act_as(Actor(name, "browser", client.address))
    async with database.transaction() as connection:
        user = await _known(connection, claims, issuer)
        if user is None:
            user = await _new(connection, rules, claims, name=name, issuer=issuer, creates=creates)
        elif user.disabled:
            raise Refused("Your account here is disabled. An administrator can enable it.")
        else:
            await _brought_up_to_date(connection, rules, claims, user)
        mark: bytes = await connection.fetchval(SQL["mark"], user.id)
    return Proof(mark, user.id, user.name)


async def _known(connection: Connection, claims: Mapping[str, Any], issuer: str) -> UserView | None:
    row = await connection.fetchrow(SQL["of_provider"], issuer, claims["sub"])
    if row is None and (email := verified_email(claims)) is not None:
        row = await connection.fetchrow(SQL["awaited"], storable(email))
        if row is not None:
            await connection.execute(SQL["bind"], row["id"], issuer, storable(claims["sub"]))
    return (
        None if row is None else UserView.model_validate(dict(await connection.fetchrow(SQL["lock"], row["id"]) or {}))
    )


async def _new(
    connection: Connection, rules: Rules, claims: Mapping[str, Any], *, name: str, issuer: str, creates: bool
) -> UserView:
    if not creates:
        raise Refused("There is no user for you here yet. Ask an administrator to add one with your email address.")
    role = rules.role_of(claims)
    if role is None:
        raise Refused("Nobody has given you a role here yet. Ask an administrator to add you.")
    domains = rules.domains_of(claims) if rules.domains_claim and role is Role.VIEWER else None
    if name.lower() == store.ADMIN:  # whose password, and whose name in the audit log, the admin token's is
        raise Refused("The name admin is not for users of a provider. Ask an administrator to add you by another one.")
    try:
        wanted = validated(UserInput, {"name": storable(name), "role": role, "domains": domains})
        user_id = await store.insert(connection, wanted, issuer=issuer, subject=storable(claims["sub"]))
    except (Conflict, Invalid) as error:
        raise Refused(f"No user could be made for you: {error.title.lower()}. Ask an administrator.") from None
    return await store.locked(connection, user_id)


async def _brought_up_to_date(connection: Connection, rules: Rules, claims: Mapping[str, Any], user: UserView) -> None:
    """Where the provider says what somebody may do, it says so each time."""
    role = rules.role_of(claims) if rules.roles else user.role
    domains = user.domains if role is Role.VIEWER else None
    if rules.domains_claim and role is Role.VIEWER:
        domains = rules.domains_of(claims)
    await store.set_rights(connection, user, Rights(role=role or user.role, domains=domains), disabled=False)
