"""Users in the database. Each change is noted in the audit log with it, and ends the sessions of whom it concerns."""

from config_api.access.audit import entries
from config_api.access.audit.entries import Changed
from config_api.access.users.model import NAMES, Rights, UserInput, UserPatch, UserView
from config_api.access.users.passwords import Passwords
from config_api.errors import Conflict, FieldError, not_found
from config_api.web.paging import MAX_BIGINT
from config_api.web.validation import validated
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.statements import Statements

SQL = Statements.of("config_api.access.users")

NOUN = "user"
MAX_USERS = 1000
ADMIN = "admin"  # whose password the one for everybody became


async def all(database: Database) -> list[UserView]:
    """Every user, by name."""
    async with database.connection() as connection:
        return [UserView.model_validate(dict(row)) for row in await connection.fetch(SQL["users"], None)]


async def get(database: Database, user_id: int) -> UserView:
    """One user. Raises NotFound."""
    async with database.connection() as connection:
        row = await connection.fetchrow(SQL["users"], _known(user_id))
    if row is None:
        raise not_found(NOUN)
    return UserView.model_validate(dict(row))


async def add(database: Database, passwords: Passwords, wanted: UserInput) -> UserView:
    """A new user. Raises Conflict where the name is taken, Invalid for a password of a wrong length."""
    stored = None if wanted.password is None else await passwords.hashed(wanted.password.get_secret_value())
    async with database.transaction() as connection:
        user_id = await insert(connection, wanted, stored=stored)
    return await get(database, user_id)


async def insert(
    connection: Connection,
    wanted: UserInput,
    *,
    stored: str | None = None,
    issuer: str | None = None,
    subject: str | None = None,
) -> int:
    """Adds a user, with a password as it is stored or as whom a provider knows; gives their id. Raises Conflict."""
    if await connection.fetchval(SQL["count"]) >= MAX_USERS:
        raise Conflict(f"There are {MAX_USERS} users; remove one first.", title="Too many users")
    user_id = await connection.fetchval(
        SQL["add"], wanted.name, wanted.role.value, wanted.domains, stored, issuer, subject
    )
    if user_id is None:
        text = "There is a user of this name. Choose another one."
        raise Conflict(text, title="The name is taken", errors=(FieldError(field="name", text=text),))
    bound = f", for {', '.join(wanted.domains)}" if wanted.domains else ""
    await entries.note(
        connection, "user_added", f"Added the user {wanted.name} as {wanted.role}{bound}.", target=wanted.name
    )
    return int(user_id)


async def change(database: Database, passwords: Passwords, user_id: int, patch: UserPatch) -> UserView:
    """The user, changed; their sessions are over. Raises NotFound, Invalid."""
    stored = None if patch.password is None else await passwords.hashed(patch.password.get_secret_value())
    async with database.transaction() as connection:
        before = await locked(connection, user_id)
        rights = validated(Rights, patch.applied_to(before))
        disabled = before.disabled if patch.disabled is None else patch.disabled
        await set_rights(connection, before, rights, disabled=disabled)
        if stored is not None:
            await connection.execute(SQL["set_password"], user_id, stored)
            await note_password(connection, before.name)
    return await get(database, user_id)


async def set_rights(connection: Connection, before: UserView, rights: Rights, *, disabled: bool) -> None:
    """What a locked user may do from now on."""
    await connection.execute(SQL["change"], before.id, rights.role.value, rights.domains, disabled)
    after = before.model_copy(update={"role": rights.role, "domains": rights.domains, "disabled": disabled})
    changes = entries.differing(NAMES, before.in_words, after.in_words)
    if changes:
        text = f"Changed the user {before.name}."
        await entries.note(connection, "user_changed", text, target=before.name, changes=changes)


async def note_password(connection: Connection, name: str, *, is_removed: bool = False) -> None:
    """Of a password it is said that it changed, and no more."""
    text = f"{'Removed' if is_removed else 'Set'} the password of {name}."
    await entries.note(connection, "password_changed", text, target=name, changes=[Changed("Password")])


async def remove(database: Database, user_id: int) -> None:
    """Removes a user; their sessions are over. Raises NotFound."""
    async with database.transaction() as connection:
        before = await locked(connection, user_id)
        await connection.execute(SQL["remove"], user_id)
        await entries.note(connection, "user_removed", f"Removed the user {before.name}.", target=before.name)


async def locked(connection: Connection, user_id: int) -> UserView:
    """One user, whom nobody else changes in this transaction's time. Raises NotFound."""
    row = await connection.fetchrow(SQL["lock"], _known(user_id))
    if row is None:
        raise not_found(NOUN)
    return UserView.model_validate(dict(row))


def _known(user_id: int) -> int:
    if not 0 < user_id <= MAX_BIGINT:
        raise not_found(NOUN)
    return user_id
