"""`dmarq mailbox apply`: mailboxes as a file says."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from dmarq.client import ApiError, Client, segment
from dmarq.mailbox_file import BadMailboxFile, Wanted, differences, patch, read
from dmarq.output import plain


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--prune", is_flag=True, help="Also delete mailboxes that the file does not name.")
def apply(file: Path, *, dry_run: bool, prune: bool) -> None:
    """Make the mailboxes as FILE says (YAML or JSON), and say what that changes. Applied again, it changes nothing.

    FILE holds a list of mailboxes with the settings of docs/configuration.md; what is left out has its default. A
    mailbox is known by its `id`, or by its `name` where none is given. Secrets are not in it, only where they are:
    in an environment variable or in a file. Saved secrets that FILE does not name stay.

    \b
      - name: Reports
        host: imap.example.com
        username: dmarc@example.com
        password: {env: REPORTS_PASSWORD}    # or {file: reports.password}
        on_processed: {action: move, folder: Done}

    \b
    Examples:
      dmarq mailbox apply mailboxes.yaml --dry-run
      REPORTS_PASSWORD=... dmarq mailbox apply mailboxes.yaml
      dmarq mailbox apply mailboxes.yaml --prune
    """
    try:
        wanted = read(file)
        with Client.here() as client:
            known = client.get("/mailboxes")["items"]
            pairs = [(one, one.among(known)) for one in wanted]  # before anything is done
            plan = _Plan(client, dry_run=dry_run)
            for one, mailbox in pairs:
                plan.make(one, mailbox)
            named = [mailbox["id"] for _, mailbox in pairs if mailbox]
            plan.others([mailbox for mailbox in known if mailbox["id"] not in named], prune=prune)
    except BadMailboxFile as error:
        raise click.ClickException(str(error)) from None
    sys.exit(1 if plan.has_failed else 0)


class _Plan:
    """Does one thing after the other and says it. What is refused is told, and the others are done all the same."""

    def __init__(self, client: Client, *, dry_run: bool) -> None:
        self._client = client
        self._dry_run = dry_run
        self.has_failed = False

    def make(self, wanted: Wanted, known: Mapping[str, Any] | None) -> None:
        """The mailbox is as wanted."""
        try:
            if known is None:
                self._create(wanted)
            else:
                self._change(wanted, known)
        except ApiError as error:
            self._failed(wanted.settings.name, error)

    def others(self, mailboxes: Iterable[Mapping[str, Any]], *, prune: bool) -> None:
        """Those that the file does not name."""
        for mailbox in mailboxes:
            if not prune:
                _say(mailbox["id"], "left alone, the file does not name it")
                continue
            try:
                if not self._dry_run:
                    self._client.delete(f"/mailboxes/{segment(mailbox['id'])}", version=mailbox["version"])
            except ApiError as error:
                self._failed(mailbox["id"], error)
                continue
            _say(mailbox["id"], self._done("deleted; its emails and reports stay"))

    def _create(self, wanted: Wanted) -> None:
        settings = wanted.settings
        name = wanted.id or settings.name
        if not self._dry_run:
            body = settings.model_dump(mode="json") | dict(wanted.secrets) | ({"id": wanted.id} if wanted.id else {})
            name = self._client.post("/mailboxes", body)["id"]
        _say(name, self._done(f"added: {settings.username} at {settings.host}"))

    def _change(self, wanted: Wanted, known: Mapping[str, Any]) -> None:
        changes = [str(change) for change in differences(known, wanted.settings)]
        added = [f"{name.replace('_', ' ')}: saved" for name in wanted.secrets if name not in known["saved_secrets"]]
        said = changes + added
        if self._dry_run:
            unseen = "; whether a saved secret differs is seen when it is applied" if wanted.secrets else ""
            _say(known["id"], self._done("changed") if said else f"as the file says{unseen}", said)
            return
        body = patch(known, wanted.settings) | dict(wanted.secrets)
        if not body:
            _say(known["id"], "as the file says")
            return
        after = self._client.patch(f"/mailboxes/{segment(known['id'])}", body, version=known["version"])
        if after["version"] == known["version"]:
            _say(known["id"], "as the file says")
        else:
            _say(known["id"], "changed", said or ["a secret is another one now"])

    def _done(self, what: str) -> str:
        return f"would be {what}" if self._dry_run else what

    def _failed(self, name: str, error: ApiError) -> None:
        self.has_failed = True
        click.echo(plain(f"dmarq mailbox apply: {name}: {error.message}"), err=True)


def _say(name: str, what: str, details: Iterable[str] = ()) -> None:
    click.echo(plain(f"{name}: {what}"))
    for detail in details:
        click.echo(plain(f"  {detail}"))
