"""`dmarq mailbox authorize`: signs in with the mail provider once, and saves what keeps the mailbox signed in."""

import asyncio
import json
from typing import Any, TextIO

import click
from pydantic import ValidationError

from dmarq.authorize import DeviceCode, by_browser, by_device_code
from dmarq.client import Client, segment
from fetcher.oauth import Issued, TokenEndpoint, TokenFault, renewal_form
from fetcher.oauth.grants import read_issued
from pipeline.oauth import OAuthGrant, OAuthProvider, OAuthSettings


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
def authorize(
    *, mailbox_id: str | None, client_secret_file: TextIO | None, browser: bool, port: int, **given: str | None
) -> None:
    """Sign in with the mail provider (OAuth 2), and let the mailbox ID use it from now on.

    What the mailbox already knows of its provider need not be said again. Without an ID nothing is saved: what is to
    be saved is printed, secrets included.

    \b
    Examples:
      dmarq mailbox authorize reports --provider microsoft --client-id 1b2c --tenant example.com
      dmarq mailbox authorize reports --provider google --client-id 1b2c --client-secret-file secret.txt
      dmarq mailbox authorize reports
    """
    client_secret = client_secret_file.read().strip() if client_secret_file else ""
    if mailbox_id is None:
        oauth = _settings({}, given)
        issued = asyncio.run(_signed_in(oauth, client_secret, browser=browser, port=port))
        click.echo(json.dumps(_patch(oauth, issued, client_secret), indent=2))
        return
    with Client.here() as client:
        mailbox = client.get(f"/mailboxes/{segment(mailbox_id)}")
        oauth = _settings(mailbox.get("oauth") or {}, given)
        issued = asyncio.run(_signed_in(oauth, client_secret, browser=browser, port=port))
        patch = _patch(oauth, issued, client_secret, known=mailbox.get("oauth"))
        client.patch(f"/mailboxes/{segment(mailbox_id)}", patch, version=mailbox["version"])
        click.echo("Saved. Trying it:")
        click.echo(client.post(f"/mailboxes/{segment(mailbox_id)}/test")["summary"])


def _settings(known: dict[str, Any], given: dict[str, str | None]) -> OAuthSettings:
    """What is given counts; a provider that is given anew starts from nothing."""
    said = {name: value for name, value in given.items() if value}
    base = {} if "provider" in said and said["provider"] != known.get("provider") else known
    try:
        return OAuthSettings.model_validate({**base, **said})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = "--" + str(first["loc"][-1]).replace("_", "-") if first["loc"] else "settings"
        raise click.UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


async def _signed_in(oauth: OAuthSettings, client_secret: str, *, browser: bool, port: int) -> Issued:
    endpoint = TokenEndpoint()
    try:
        if oauth.grant is OAuthGrant.CLIENT_CREDENTIALS:
            form = renewal_form(oauth, refresh_token="", client_secret=client_secret)
            return read_issued(*await endpoint.ask(oauth.token_url, form))
        if browser or oauth.provider is OAuthProvider.GOOGLE or not oauth.device_url:
            if not oauth.authorization_url:
                raise click.UsageError("name the provider's --device-endpoint or --authorization-endpoint")
            issued = await by_browser(oauth, client_secret=client_secret, endpoint=endpoint, tell=_open, port=port)
        else:
            issued = await by_device_code(oauth, client_secret=client_secret, endpoint=endpoint, tell=_enter)
    except TokenFault as fault:
        raise click.ClickException(fault.detail) from None
    if not issued.refresh_token:
        raise click.ClickException("the provider gave no refresh token: ask for offline access with --scope")
    return issued


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
