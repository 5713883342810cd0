"""The config-api service: settings, connection test, activity, reports and dead letters, by HTTP and in a browser."""

import argparse
import sys

from config_api.access import admin
from config_api.backend import Backend
from config_api.mailboxes import declared
from config_api.site import server
from pipeline.errors import EXIT_BAD_SETTINGS, EXIT_FAILED, described, leaves
from pipeline.runtime.service import BAD_SETTINGS, FAILURES
from pipeline.secrets import Keyring
from pipeline.settings import Settings
from pipeline.telemetry.logs import configure_logs

EPILOG = """Settings come from the environment; docs/configuration.md lists every variable. Example:

  DMARQ_NATS_URL=nats://nats:4222 DMARQ_DATABASE_URL=postgresql://dmarq@db/dmarq \\
  DMARQ_SECRET_KEY="$(openssl rand -base64 32)" DMARQ_HTTP_ADDRESS=127.0.0.1:8080 config-api

The first start prints a link to sign in. /healthz and /readyz need no sign-in; /metrics needs a token with the scope
read, or set DMARQ_HEALTH_ADDRESS to serve all three on an address of their own."""


def main() -> int:
    """Runs the service; gives the exit status: 0 after a stop, 78 for bad settings, 1 for a failure."""
    formatter = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(
        prog="config-api", description=__doc__, epilog=EPILOG, formatter_class=formatter
    ).parse_args()
    try:
        settings = Settings.load()
        configure_logs(service="config-api", level=settings.log_level, json_lines=settings.log_json)
        admin.check(settings)
        keys = Keyring(settings.secret_key.get_secret_value())
        failure = server.serve(Backend(settings, keys, declared=declared.read(settings.mailboxes)))
    except (*BAD_SETTINGS, *FAILURES) as error:
        failure = error
    return 0 if failure is None else _complaint(failure)


def _complaint(failure: BaseException) -> int:
    """One line for each cause; gives the exit status."""
    causes = leaves(failure)
    for cause in causes:
        text = str(cause) if isinstance(cause, BAD_SETTINGS + FAILURES) else described(cause)
        sys.stderr.write(f"config-api: {text}\n")
    return EXIT_BAD_SETTINGS if any(isinstance(cause, BAD_SETTINGS) for cause in causes) else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
