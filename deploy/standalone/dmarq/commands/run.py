"""`dmarq run`: the whole system on this machine."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmarq.groups import end_by_signal
from dmarq.lean import leave_out_colours
from pipeline.settings import Settings

if TYPE_CHECKING:
    from dmarq.stack import Stack


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where data is kept; default: DMARQ_DATA_DIR.")
def run(data_dir: Path | None) -> None:
    """Run the whole system on this machine until Ctrl-C.

    NATS and PostgreSQL are brought along, on loopback ports, with their data in the data directory; where
    DMARQ_NATS_URL or DMARQ_DATABASE_URL is set, those servers are used instead. Prints the address and a sign-in link.

    \b
    Examples:
      dmarq run
      DMARQ_HTTP_ADDRESS=127.0.0.1:9000 dmarq run --data-dir /srv/dmarq
    """
    leave_out_colours()
    from dmarq.embedded import DataDir
    from dmarq.stack import Stack
    from pipeline.telemetry.logs import configure_logs

    settings = Settings.load()
    configure_logs(service="dmarq", level=settings.log_level, json_lines=settings.log_json)
    end_by_signal()
    with DataDir(data_dir or settings.data_dir) as data:
        click.echo(f"starting; data and logs are in {data.path}")
        with Stack(data, settings) as stack:
            click.echo(f"running on http://{stack.http_address}")
            click.echo(f"sign in:   {stack.sign_in_link()}")
            asyncio.run(_until_told_to_stop(stack))
    click.echo("stopped")


async def _until_told_to_stop(stack: "Stack") -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    click.echo("stop with Ctrl-C")
    await stack.watch(stopping)
