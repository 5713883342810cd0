"""What is said of a setting that cannot be: one sentence that somebody who never saw the code can act on."""

import pytest

from pipeline.addresses import NATS_SHAPE, POSTGRES_SHAPE, nats_servers
from pipeline.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DMARQ_HTTP_ADDRESS", "localhost", "should look like host:port"),
        ("DMARQ_HTTP_ADDRESS", "localhost:http", "should look like host:port"),
        ("DMARQ_HTTP_ADDRESS", "localhost:80\n", "should look like host:port"),
        ("DMARQ_HTTP_ADDRESS", "localhost:65536", "should have a port of 65535 at most"),
        ("DMARQ_HEALTH_ADDRESS", "[::1]:99999", "should have a port of 65535 at most"),
        ("DMARQ_LOG_LEVEL", "loud", "should be one of debug, info, warning, error"),
        ("DMARQ_FAILURE_SAMPLE", "some", "should be one of headers, whole, none"),
        ("DMARQ_NATS_URL", "nats://h:abc", NATS_SHAPE),
        ("DMARQ_NATS_URL", "nats://h:65536", NATS_SHAPE),
        ("DMARQ_NATS_URL", "nats://:4222", NATS_SHAPE),
        ("DMARQ_NATS_URL", "nats://h:4222,", NATS_SHAPE),
        ("DMARQ_NATS_URL", "nats://[::1", NATS_SHAPE),
        (
            "DMARQ_NATS_URL",
            "nats://h:4222,ws://h:80",
            "should not have servers with nats:// or tls:// beside servers with ws:// or wss://",
        ),
        ("DMARQ_DATABASE_URL", "postgresql://u:p@h:abc/x", POSTGRES_SHAPE),
        ("DMARQ_DATABASE_URL", "postgresql://u:p@h:65536/x", POSTGRES_SHAPE),
        ("DMARQ_DATABASE_URL", "postgresql://u:p@/x", POSTGRES_SHAPE),
        ("DMARQ_DATABASE_URL", "postgresql:///x", POSTGRES_SHAPE),
        ("DMARQ_DATABASE_URL", "postgresql://h1:5432,:5433/x", POSTGRES_SHAPE),
        ("DMARQ_DATABASE_URL", "postgresql://[::1/x", POSTGRES_SHAPE),
    ],
)
def test_a_wrong_setting_is_said_in_words(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({variable: value})

    assert str(caught.value) == f"{variable}: {said}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h/x",
        "postgres://u:p%40@h:5432/x",
        "postgresql://u@[::1]:5432/x",
        "postgresql://u:p@h1:5432,h2:5433/x",
        "postgresql:///x?host=/run/postgresql",
        "postgresql://u@/x?host=/run/postgresql&port=5433",
    ],
)
def test_a_database_is_on_a_host_or_behind_a_socket(url: str) -> None:
    assert Settings.load({"DMARQ_DATABASE_URL": url}).database_url.get_secret_value() == url


def test_the_largest_port_is_a_port() -> None:
    assert Settings.load({"DMARQ_HTTP_ADDRESS": ":65535"}).http_address == ":65535"


def test_the_servers_of_a_cluster_are_shown_without_user_and_password() -> None:
    assert nats_servers("nats://u:p@a:4223, tls://b,nats://[::1]:1") == "a:4223, b:4222, [::1]:1"
