"""`dmarq mailbox authorize`: signs in with the mail provider once, and saves what keeps the mailbox signed in."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TextIO

import click
from pydantic import ValidationError

from dmarq.authorize import DeviceCode, by_browser, by_device_code
from dmarq.client import ApiError, Client, segment
from fetcher.oauth import Issued, TokenEndpoint, TokenFault, read_issued, renewal_form
from pipeline.contracts.complaints import complaints
from pipeline.contracts.mailbox import ProxySettings
from pipeline.contracts.oauth import OAuthGrant, OAuthProvider, OAuthSettings


@click.command()
@click.argument("mailbox_id", metavar="[ID]", required=False)
@click.option("--provider", type=click.Choice([p.value for p in OAuthProvider]), help="Whose mailbox it is.")
@click.option("--client-id", help="The application's id, as the provider registered it.")
@click.option("--client-secret-file", type=click.File(), help="A file with the application's secret; - for stdin.")
@click.option("--tenant", help="Microsoft: the organisation's domain or id.")
@click.option("--grant", type=click.Choice([g.value for g in OAuthGrant]), help="Default: refresh_token.")
@click.option("--token-endpoint", help="Another provider's token endpoint.")
@click.option("--device-endpoint", help="Another provider's device endpoint.")
@click.option("--authorization-endpoint", help="Another provider's sign-in page.")
@click.option("--scope", help="What to ask for; known for Google and Microsoft.")
@click.option("--browser", is_flag=True, help="Sign in with a browser on this machine instead of a device code.")
@click.option("--port", default=0, help="Where that browser comes back to; 0 for any free port.")
@click.option("--proxy-password-file", type=click.File(), help="A file with the password of the mailbox's proxy.")
def authorize(
    *,
    mailbox_id: str | None,
    client_secret_file: TextIO | None,
    proxy_password_file: TextIO | None,
    browser: bool,
    port: int,
    **given: str | None,
) -> None:
    """Sign in with the mail provider (OAuth 2), and let the mailbox ID use it from now on.

    What the mailbox already knows of its provider need not be said again, but for the application's secret: saved
    secrets never come out. The way to the provider is the mailbox's own, its proxy included. Without an ID nothing is
    saved: what is to be saved is printed, secrets included.

    \b
    Examples:
      dmarq mailbox authorize reports --provider microsoft --client-id 1b2c --tenant example.com
      dmarq mailbox authorize reports
      dmarq mailbox authorize reports --provider google --client-id 1b2c --client-secret-file secret.txt
    """
    typed = _Typed(_first_line(client_secret_file), _first_line(proxy_password_file))
    if mailbox_id is None:
        oauth = _settings({}, given)
        issued = _signed_in(oauth, typed, {}, browser=browser, port=port)
        click.echo(json.dumps(_patch(oauth, issued, typed.client_secret), indent=2))
        return
    path = f"/mailboxes/{segment(mailbox_id)}"
    with Client.here() as client:
        mailbox = client.get(path)
        oauth = _settings(mailbox.get("oauth") or {}, given)
        issued = _signed_in(oauth, typed, mailbox, browser=browser, port=port)
        _save(client, path, lambda known: _patch(oauth, issued, typed.client_secret, known=known))
        click.echo("Saved. Trying it:")
        click.echo(client.post(f"{path}/test")["summary"])


@dataclass(frozen=True, slots=True)
class _Typed:
    """Secrets that were given; "" for those that were not."""

    client_secret: str = field(repr=False)
    proxy_password: str = field(repr=False)


def _first_line(file: TextIO | None) -> str:
    return file.read().strip() if file else ""


def _settings(known: dict[str, Any], given: dict[str, str | None]) -> OAuthSettings:
    """What is given counts; a provider that is named again starts from nothing."""
    said = {name: value for name, value in given.items() if value}
    base = {} if "provider" in said and said["provider"] != known.get("provider") else known
    try:
        return OAuthSettings.model_validate({**base, **said})
    except ValidationError as error:
        first = next(complaints(error, OAuthSettings))
        name = f"--{first.field.replace('_', '-')}" if first.field else "settings"
        raise click.UsageError(f"{name}: {first.text[:1].lower()}{first.text[1:]}") from None


def _signed_in(oauth: OAuthSettings, typed: _Typed, mailbox: Mapping[str, Any], *, browser: bool, port: int) -> Issued:
    _expect_secrets(oauth, typed, mailbox)
    proxy = ProxySettings.model_validate(mailbox["proxy"]) if mailbox.get("proxy") else None
    endpoint = TokenEndpoint(proxy, proxy_password=typed.proxy_password)
    try:
        return asyncio.run(_issued(oauth, typed.client_secret, endpoint, browser=browser, port=port))
    except TokenFault as fault:
        raise click.ClickException(fault.detail) from None


def _expect_secrets(oauth: OAuthSettings, typed: _Typed, mailbox: Mapping[str, Any]) -> None:
    """Before anybody signs in for nothing. Raises UsageError."""
    saved = mailbox.get("saved_secrets") or ()
    same = oauth.model_dump(mode="json") == mailbox.get("oauth")
    if "proxy_password" in saved and mailbox.get("proxy") and not typed.proxy_password:
        raise click.UsageError("the mailbox's proxy has a password: give --proxy-password-file")
    if typed.client_secret:
        return
    if oauth.provider is OAuthProvider.GOOGLE:
        raise click.UsageError("Google wants the application's secret at each sign-in: give --client-secret-file")
    if "client_secret" in saved and same:
        raise click.UsageError("the application has a secret, and saved ones never come out: give --client-secret-file")
    if "client_secret" in saved:
        click.echo("The saved client secret belongs to other OAuth 2 settings; it will be removed.", err=True)


async def _issued(
    oauth: OAuthSettings, client_secret: str, endpoint: TokenEndpoint, *, browser: bool, port: int
) -> Issued:
    if oauth.grant is OAuthGrant.CLIENT_CREDENTIALS:
        form = renewal_form(oauth, refresh_token="", client_secret=client_secret)
        return read_issued(*await endpoint.ask(oauth.token_url, form))
    if browser or oauth.provider is OAuthProvider.GOOGLE or not oauth.device_url:
        if not oauth.authorization_url:
            raise click.UsageError("name the provider's --device-endpoint or --authorization-endpoint")
        issued = await by_browser(oauth, client_secret=client_secret, endpoint=endpoint, tell=_open, port=port)
    else:
        issued = await by_device_code(oauth, client_secret=client_secret, endpoint=endpoint, tell=_enter)
    if not issued.refresh_token:
        raise click.ClickException("the provider gave no refresh token: ask for offline access with --scope")
    return issued


def _save(client: Client, path: str, patch: Callable[[dict[str, Any] | None], dict[str, Any]]) -> None:
    """Changes the mailbox as it is now: somebody may have saved it while the person signed in, or just now again."""
    try:
        _save_once(client, path, patch)
    except ApiError as error:
        if error.status != HTTPStatus.PRECONDITION_FAILED:
            raise
        _save_once(client, path, patch)


def _save_once(client: Client, path: str, patch: Callable[[dict[str, Any] | None], dict[str, Any]]) -> None:
    mailbox = client.get(path)
    client.patch(path, patch(mailbox.get("oauth")), version=mailbox["version"])


def _patch(
    oauth: OAuthSettings, issued: Issued, client_secret: str, *, known: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What a mailbox is changed by. A saved client secret stays while it is for the same application (`known`)."""
    settings = oauth.model_dump(mode="json")
    patch = {"auth": "xoauth2", "oauth": settings, "refresh_token": issued.refresh_token or None}
    if client_secret or settings != known:
        patch["client_secret"] = client_secret or None
    return patch


def _enter(code: DeviceCode) -> None:
    click.echo(
        f"Open    {code.uri}\nEnter   {code.user_code}\nand sign in as the mailbox's user. Waiting ...", err=True
    )


def _open(link: str) -> None:
    click.echo(f"Open this in a browser on this machine, and sign in as the mailbox's user:\n\n{link}\n", err=True)
