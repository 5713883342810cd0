"""`dmarq sign-in-link`: a way into the pages, for somebody who is at this machine."""

import click

from dmarq.client import Client


@click.command("sign-in-link")
def sign_in_link() -> None:
    """Print a link that signs a browser in: once, and within a quarter of an hour.

    Needs DMARQ_ADMIN_TOKEN (or an API token with the scope admin), or the data directory of `dmarq run`. When that
    token changes or is revoked, the session that the link began is over.

    \b
    Examples:
      dmarq sign-in-link
      DMARQ_PUBLIC_URL=https://dmarq.example.com DMARQ_ADMIN_TOKEN=... dmarq sign-in-link
    """
    with Client.here() as client:
        click.echo(client.post("/sign-in-links")["url"])
