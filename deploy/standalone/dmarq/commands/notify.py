"""`dmarq notify`: channels, a test of one, rules, alerts, what was sent, and mutes."""

import sys
from datetime import UTC, datetime, timedelta

import click

from dmarq.client import Client, segment
from dmarq.output import Column, columns, json_option, show, time_of

CHANNELS = (
    *columns("id", "kind", "destination", "enabled", "digest"),
    Column("last sent", time_of("last_sent_at"), narrow=True),
    *columns("last_error"),
)
ALERTS = (
    Column("opened", time_of("opened_at"), narrow=True),
    *columns("urgency", "rule", "title", "subject"),
    Column("resolved", time_of("resolved_at"), narrow=True),
)
RULES = columns("rule", "enabled", "threshold", "unit", "urgency", "title")
SENT = (
    *columns("id", "channel_id", "kind", "title", "state", "attempts"),
    Column("due", time_of("due_at"), narrow=True),
    *columns("detail"),
)
MUTES = (*columns("id", "rule", "subject"), Column("until", time_of("until"), narrow=True), *columns("who"))


@click.group()
def notify() -> None:
    """Who is told of what: channels, alerts, mutes. ID is what `dmarq notify list` shows.

    \b
    Examples:
      dmarq notify list
      dmarq notify test ops
    """


@notify.command("list")
@json_option
def list_channels(*, as_json: bool) -> None:
    """List the channels, and how their sendings go.

    \b
    Example:
      dmarq notify list --json
    """
    with Client.here() as client:
        rows = client.get("/notifications/channels")["items"]
    show(rows, CHANNELS, as_json=as_json, empty="no channel yet: add one under Settings > Notifications")


@notify.command()
@click.argument("channel_id", metavar="ID")
def test(channel_id: str) -> None:
    """Send a channel a message now, and say how that went.

    \b
    Example:
      dmarq notify test ops
    """
    with Client.here(timeout_s=120.0) as client:
        answer = client.post(f"/notifications/channels/{segment(channel_id)}/test")
    click.echo(f"{'sent' if answer['success'] else 'not sent'}: {answer['detail']}")
    sys.exit(0 if answer["success"] else 1)


@notify.command()
@click.option("--open", "is_open", is_flag=True, help="Only those that still hold.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@json_option
def alerts(*, is_open: bool, limit: int, as_json: bool) -> None:
    """List alerts, the newest first.

    \b
    Examples:
      dmarq notify alerts --open
      dmarq notify alerts --limit 10 --json
    """
    with Client.here() as client:
        rows = list(client.items("/notifications/alerts", limit=limit, state="open" if is_open else None))
    show(rows, ALERTS, as_json=as_json, empty="no alerts")


@notify.command()
@json_option
def rules(*, as_json: bool) -> None:
    """List the rules: what is watched, and from which threshold on.

    \b
    Example:
      dmarq notify rules
    """
    with Client.here() as client:
        rows = client.get("/notifications/rules")["items"]
    show(rows, RULES, as_json=as_json, empty="no rules")


@notify.command()
@click.option("--dead", is_flag=True, help="Only what was given up.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@json_option
def sent(*, dead: bool, limit: int, as_json: bool) -> None:
    """List what was sent or waits to be, the newest first.

    \b
    Examples:
      dmarq notify sent
      dmarq notify sent --dead --json
    """
    with Client.here() as client:
        rows = list(client.items("/notifications/deliveries", limit=limit, state="dead" if dead else None))
    show(rows, SENT, as_json=as_json, empty="nothing")


@notify.command()
@click.argument("delivery_id", metavar="NUMBER", type=int)
def retry(delivery_id: int) -> None:
    """Send again what was given up. NUMBER is what `dmarq notify sent --dead` shows.

    \b
    Example:
      dmarq notify retry 12
    """
    with Client.here() as client:
        client.post(f"/notifications/deliveries/{delivery_id}/retry")
    click.echo("it is tried again, for another day")


@notify.command()
@click.option("--rule", help="The code of a rule, like dead_letters.")
@click.option("--subject", help="What it is about: a source, a domain, a mailbox, a reason.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="For so many days; left out: for ever.")
def mute(*, rule: str | None, subject: str | None, days: float | None) -> None:
    """Note alerts, but tell nobody.

    \b
    Examples:
      dmarq notify mute --rule reporter_silent --subject gmx.net
      dmarq notify mute --subject example.com --days 1
    """
    until = (datetime.now(UTC) + timedelta(days=days)).isoformat() if days else None
    wanted = {"rule": rule, "subject": subject, "until": until}
    with Client.here() as client:
        made = client.post("/notifications/mutes", {name: value for name, value in wanted.items() if value})
    click.echo(f"muted ({made['id']})")


@notify.command()
@click.argument("mute_id", metavar="MUTE", type=int)
def unmute(mute_id: int) -> None:
    """Tell again.

    \b
    Example:
      dmarq notify unmute 3
    """
    with Client.here() as client:
        client.delete(f"/notifications/mutes/{mute_id}")
    click.echo("told again")


@notify.command()
@json_option
def mutes(*, as_json: bool) -> None:
    """List what is muted.

    \b
    Example:
      dmarq notify mutes
    """
    with Client.here() as client:
        rows = client.get("/notifications/mutes")["items"]
    show(rows, MUTES, as_json=as_json, empty="nothing is muted")
