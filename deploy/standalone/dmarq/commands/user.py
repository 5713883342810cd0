"""`dmarq user`: people who sign in, and what each of them may do."""

from typing import Any

import click

from dmarq.client import ApiError, Client
from dmarq.output import Column, field, json_option, show, time_of

USERS = (
    Column("Name", field("name")),
    Column("Role", field("role"), narrow=True),
    Column("Domains", lambda row: ", ".join(row["domains"] or ["all"])),
    Column("Signs in with", lambda row: "a password" if row["has_password"] else "the provider"),
    Column("Last sign-in", lambda row: time_of("last_sign_in_at")(row) or "never", narrow=True),
    Column("", lambda row: "disabled" if row["disabled"] else ""),
)
ROLES = click.Choice(["viewer", "operator", "admin"])

name_argument = click.argument("name")
domain_option = click.option("--domain", "domains", multiple=True, help="The only domains that a viewer sees.")
password_option = click.option(
    "--password-file",
    type=click.File(),
    help="A file whose first line is the password, - for standard input; else it is asked for.",
)


@click.group()
def user() -> None:
    """Who signs in: list, add, change. NAME is what they sign in with.

    \b
    Examples:
      dmarq user list
      dmarq user add alice --role operator
    """


@user.command("list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List the users.

    \b
    Example:
      dmarq user list --json
    """
    with Client.here() as client:
        rows = client.get("/users")["items"]
    show(rows, USERS, as_json=as_json, empty="no user yet: whoever has the admin token is the administrator")


@user.command()
@name_argument
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What they may do.")
@domain_option
@click.option(
    "--provider", is_flag=True, help="No password: they sign in with the OpenID provider; NAME is their email."
)
@password_option
def add(*, name: str, role: str, domains: tuple[str, ...], provider: bool, password_file: Any) -> None:
    """Add a user.

    \b
    Examples:
      dmarq user add alice --role operator
      dmarq user add customer@example.com --domain example.com --provider
      pass show dmarq/bob | dmarq user add bob --role admin --password-file -
    """
    wanted: dict[str, Any] = {"name": name, "role": role}
    if domains:
        wanted["domains"] = list(domains)
    if not provider:
        wanted["password"] = _password(password_file)
    with Client.here() as client:
        made = client.post("/users", wanted)
    click.echo(f"added {made['name']} as {made['role']}")


@user.command("set-role")
@name_argument
@click.argument("role", type=ROLES)
@domain_option
def set_role(*, name: str, role: str, domains: tuple[str, ...]) -> None:
    """Change what a user may do. Their browsers are signed out.

    \b
    Examples:
      dmarq user set-role alice admin
      dmarq user set-role bob viewer --domain example.com --domain example.org
    """
    changed = _change(name, {"role": role, "domains": list(domains) or None})
    click.echo(f"{changed['name']} is {changed['role']} for {', '.join(changed['domains'] or ['all domains'])}")


@user.command("set-password")
@name_argument
@password_option
def set_password(*, name: str, password_file: Any) -> None:
    """Give a user another password. Their browsers are signed out.

    \b
    Example:
      dmarq user set-password alice
    """
    _change(name, {"password": _password(password_file)})
    click.echo("the password was set")


@user.command()
@name_argument
@click.option("--undo", is_flag=True, help="Let them in again.")
def disable(*, name: str, undo: bool) -> None:
    """Sign a user out and let them in no more; what they did stays in the audit log.

    \b
    Examples:
      dmarq user disable alice
      dmarq user disable alice --undo
    """
    _change(name, {"disabled": not undo})
    click.echo("enabled" if undo else "disabled")


def _change(name: str, patch: dict[str, Any]) -> Any:
    with Client.here() as client:
        found = [each for each in client.get("/users")["items"] if each["name"].lower() == name.lower()]
        if not found:
            raise ApiError(f"there is no user {name}: dmarq user list shows them")
        return client.change(f"/users/{found[0]['id']}", patch)


def _password(file: Any) -> str:
    if file is not None:
        return str(file.readline().rstrip("\r\n"))
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
