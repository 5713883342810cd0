"""The services of `dmarq run`: the module that each is, and the secrets that each may have."""

from collections.abc import Mapping

MODULES = {
    "config-api": "config_api.__main__",
    "parser": "parser.__main__",
    "extractor": "extractor.__main__",
    "fetcher": "fetcher.__main__",
    "notifier": "notifier.__main__",  # which may be left out
}
UPGRADE = "pipeline.upgrade"  # before them, at every start
# A service is given what it needs: the extractor, which unpacks what strangers send, holds no secret but the broker's.
SECRETS_OF = {
    "config-api": ("DMARQ_DATABASE_URL", "DMARQ_SECRET_KEY", "DMARQ_ADMIN_TOKEN", "DMARQ_MAILBOXES"),
    "parser": ("DMARQ_DATABASE_URL",),
    "extractor": (),
    "fetcher": ("DMARQ_SECRET_KEY",),
    "notifier": ("DMARQ_DATABASE_URL", "DMARQ_SECRET_KEY"),
    "upgrade": ("DMARQ_DATABASE_URL",),
}


def without_others_secrets(environment: Mapping[str, str], *, service: str) -> dict[str, str]:
    """The environment without the variables (and files) that only other services may have."""
    others = {name for names in SECRETS_OF.values() for name in names}.difference(SECRETS_OF.get(service, ()))
    return {name: value for name, value in environment.items() if name.removesuffix("_FILE") not in others}
