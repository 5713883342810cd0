"""The environment, read once: the only module that looks at it. Every variable is documented here and nowhere else.

Each variable `DMARQ_X` may instead be given as `DMARQ_X_FILE`, the path of a file that holds the value (a mounted
secret). `docs/configuration.md` is generated from this module.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from pipeline import addresses
from pipeline.contracts.limits import Limits, MiB

PREFIX = "DMARQ_"


class SettingsError(ValueError):
    """A setting is missing or wrong; the text says which one and what would be right."""


def _secret(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda secret: SecretStr(check(secret.get_secret_value())))


def _one_of(*choices: str) -> AfterValidator:
    def chosen(value: str) -> str:
        if value not in choices:
            raise ValueError(f"should be one of {', '.join(choices)}")
        return value

    return AfterValidator(chosen)


Address = Annotated[str, AfterValidator(addresses.listening)]
NameServer = Annotated[str, AfterValidator(addresses.name_server)]
ProxyAddress = Annotated[str, AfterValidator(addresses.trusted)]
NatsUrl = Annotated[SecretStr, _secret(addresses.nats_url)]
PostgresUrl = Annotated[SecretStr, _secret(addresses.postgres_url)]
LogLevel = Annotated[str, _one_of("debug", "info", "warning", "error")]
ProviderUrl = Annotated[str, AfterValidator(addresses.provider)]
RoleName = Annotated[str, _one_of("", "viewer", "operator", "admin")]
FailureSample = Annotated[str, _one_of("headers", "whole", "none")]


class Settings(BaseModel):
    """What the services take from the environment; the field `nats_url` is the variable `DMARQ_NATS_URL`."""

    model_config = ConfigDict(frozen=True)

    nats_url: NatsUrl = Field(
        SecretStr("nats://127.0.0.1:4222"),
        description="NATS server, user and password may be part of it; several of a cluster with commas in between.",
    )
    nats_replicas: int = Field(1, ge=1, le=5, description="Copies of every stream in a NATS cluster.")
    database_url: PostgresUrl = Field(
        SecretStr("postgresql://dmarq@127.0.0.1:5432/dmarq"), description="PostgreSQL; fetcher and extractor need none."
    )
    database_pool: int = Field(4, ge=1, le=100, description="Connections to PostgreSQL per service.")
    migrate: bool = Field(
        True, description="Services bring schema and streams up to date themselves; false where dmarq-migrate does."
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Encrypts mailbox passwords: a comma-separated list, the first encrypts, all decrypt.",
    )
    admin_token: SecretStr = Field(
        SecretStr(""),
        description="Signs in to config-api: at least 32 random characters (openssl rand -hex 32); "
        "made and printed once when empty.",
    )
    http_address: Address = Field("127.0.0.1:8080", description="Where config-api listens, host:port.")
    public_url: str = Field("", description="The address users reach config-api at, for links; empty: http_address.")
    password_sign_in: bool = Field(
        True,
        description="Whether the sign-in page takes passwords and the admin token; false where only the OpenID "
        "provider counts. A link of `dmarq sign-in-link` always signs in.",
    )
    password_hash_bytes: int = Field(
        64 * MiB,
        ge=19 * MiB,
        le=1024 * MiB,
        description="Memory that config-api takes to hash a password, twice at the same time at most; existing "
        "passwords are hashed again at their next sign-in.",
    )
    oidc_issuer: ProviderUrl = Field(
        "", description="OpenID Connect provider to sign in with, its issuer as it names itself; empty: none."
    )
    oidc_client_id: str = Field("", description="What the provider knows DMARQ as.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret; empty: a public client, by PKCE alone."
    )
    oidc_name: str = Field("single sign-on", description="What the button of the sign-in page calls the provider.")
    oidc_scopes: str = Field("openid profile email", description="What the provider is asked for.")
    oidc_role_claim: str = Field(
        "groups", description="The claim that oidc_roles looks at; a dotted path as in realm_access.roles works."
    )
    oidc_roles: str = Field(
        "",
        description="Which value of that claim means which role: `dmarq-admins=admin, staff=viewer`; empty: roles are "
        "given under Settings > Users.",
    )
    oidc_default_role: RoleName = Field(
        "", description="Role of those without such a value: viewer, operator, admin; empty: they may not come in."
    )
    oidc_domains_claim: str = Field(
        "", description="The claim that lists the only domains that a viewer sees (`*`: all); empty: as under Users."
    )
    oidc_create_users: bool = Field(
        True, description="Whether the provider's users become users at their first sign-in; false: only those added."
    )
    trusted_proxy: ProxyAddress = Field(
        "",
        description="IP address of the reverse proxy whose X-Forwarded-For and X-Forwarded-Proto config-api believes; "
        "`*`: whoever connects.",
    )
    api_rate: int = Field(
        6000, ge=0, description="Requests of the API a minute for each token and session; 0: any number."
    )
    health_address: Address | None = Field(
        None, description="Where a service answers /healthz, /readyz and /metrics; empty: its own default port."
    )
    data_dir: Path = Field(Path("dmarq-data"), description="Data of `dmarq run`: embedded servers, generated keys.")
    postgres_bin_dir: str = Field("", description="PostgreSQL programs for `dmarq run`; empty: the embedded ones.")
    nats_server: str = Field("", description="nats-server program for `dmarq run`; empty: the embedded one.")
    mailboxes: str = Field(
        "", description="Mailboxes to create at start: JSON, or the path of a JSON file; see configuration.md."
    )
    log_level: LogLevel = Field("info", description="debug, info, warning, error.")
    log_json: bool | None = Field(None, description="JSON log lines; empty: unless stderr is a terminal.")
    reconcile_minutes: float = Field(
        60, ge=0, description="How often each folder is compared with the ledger; what is missing is fetched. 0: never."
    )
    failure_sample: FailureSample = Field(
        "headers",
        description="What is kept of the mail inside a failure report: headers (redacted), whole, none.",
    )
    keep_documents_days: int = Field(400, ge=0, description="How long report documents are kept for reparse; 0: ever.")
    keep_failure_days: int = Field(0, ge=0, description="How long failure reports are kept with their files; 0: ever.")
    keep_refused_bytes: int = Field(
        1024 * MiB, gt=0, description="How much refused mail is kept among the dead letters; then the oldest goes."
    )
    keep_refused_days: int = Field(90, ge=0, le=90, description="How long refused mail is kept, in days; 0: 90.")
    keep_records_months: int = Field(
        0, ge=0, description="How many months before this one rows of aggregate reports are kept; 0: ever."
    )
    report_rows: int = Field(100, ge=0, le=10_000, description="Rows in a report.stored event; the API has the rest.")
    notify: bool = Field(True, description="Whether `dmarq run` and `dmarq demo` run the notifier, too.")
    notify_dry_run: bool = Field(
        False, description="The notifier writes alerts and digests down and sends nothing, not even a test."
    )
    notify_private_addresses: bool = Field(
        False,
        description="Whether webhooks and services of apprise may lead to private, loopback and link-local addresses.",
    )
    services_path: Path | None = Field(
        None, description="Your own sending services, a JSON file; they come before those that DMARQ knows."
    )
    networks_paths: str = Field(
        "",
        description="mmdb files that say whose a network is (GeoLite2, DB-IP Lite, IPinfo Lite), with commas in "
        "between; of two that know the same the first counts. Read again when they change.",
    )
    dns_hours: float = Field(
        24, ge=0, description="How often the parser has a fetcher ask for the DNS records of your domains; 0: never."
    )
    dns_server: NameServer = Field(
        "", description="Name server that fetchers ask, IP address:port; empty: those of the machine."
    )
    sts_private_addresses: bool = Field(
        False,
        description="Whether fetchers may fetch MTA-STS policies from private, loopback and link-local addresses.",
    )
    host_names: bool = Field(
        False,
        description="Have a fetcher ask for the host names of sources (PTR, confirmed); it tells a name server which "
        "addresses are in your reports.",
    )
    limits: Limits = Field(default_factory=Limits)

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings of this process. Raises SettingsError, whose text never holds a value."""
        values = _with_files(os.environ if environment is None else environment)
        plain = {name: values[PREFIX + name.upper()] for name in cls.model_fields if values.get(PREFIX + name.upper())}
        bounds = {
            name: values[PREFIX + name.upper()] for name in Limits.model_fields if values.get(PREFIX + name.upper())
        }
        try:
            return cls.model_validate({**plain, "limits": Limits.model_validate(bounds)})
        except ValidationError as error:
            raise SettingsError("; ".join(_in_words(wrong) for wrong in error.errors())) from None

    @property
    def network_paths(self) -> tuple[Path, ...]:
        """The files of `networks_paths`."""
        return tuple(Path(name.strip()) for name in self.networks_paths.split(",") if name.strip())


def _in_words(wrong: ErrorDetails) -> str:
    return f"{PREFIX}{str(wrong['loc'][-1]).upper()}: {wrong['msg'].removeprefix('Value error, ')}"


def _with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables we know; where both are given, the file's content counts."""
    values = {}
    for variable in (PREFIX + name.upper() for model in (Settings, Limits) for name in model.model_fields):
        path = environment.get(f"{variable}_FILE")
        values[variable] = _content(f"{variable}_FILE", path) if path else environment.get(variable, "")
    return values


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{variable}: cannot read {path}: {type(error).__name__}") from None


def process_environment() -> dict[str, str]:
    """This process's environment, for the processes it starts."""
    return dict(os.environ)


def become(environment: Mapping[str, str]) -> None:
    """Gives this process another environment, as if it had been started with it; for one that was forked."""
    os.environ.clear()
    os.environ.update(environment)


def given() -> frozenset[str]:
    """The DMARQ_ variables that are set here, directly or through a file."""
    return frozenset(name for name, value in _with_files(os.environ).items() if value)


def documented() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, in order; the source of docs/configuration.md."""
    rows = []
    for model in (Settings, Limits):
        for name, field in model.model_fields.items():
            if name == "limits":
                continue
            default = field.get_default(call_default_factory=True)
            shown = default.get_secret_value() if isinstance(default, SecretStr) else default
            rows.append((PREFIX + name.upper(), "" if shown is None else str(shown), field.description or ""))
    return rows
