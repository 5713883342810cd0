"""The config-api service: settings, connection test, activity, reports and dead letters, by HTTP and in a browser."""

import argparse
import sys

from config_api import server
from config_api.auth import admin
from config_api.backend import Backend
from config_api.mailboxes import declared
from pipeline.adapters.migrate import SchemaError
from pipeline.errors import leaves
from pipeline.secrets import BadSecretKey, Keyring
from pipeline.service import EXIT_BAD_SETTINGS, EXIT_FAILED
from pipeline.settings import Settings, SettingsError
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
    except (SettingsError, BadSecretKey) as error:
        return _complaint(error, EXIT_BAD_SETTINGS)
    except OSError as error:
        return _complaint(error, EXIT_FAILED)
    if failure is None:
        return 0
    schema = [leaf for leaf in leaves(failure) if isinstance(leaf, SchemaError)]
    return _complaint(schema[0] if schema else failure, EXIT_BAD_SETTINGS if schema else EXIT_FAILED)


def _complaint(error: BaseException, status: int) -> int:
    sys.stderr.write(f"config-api: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
