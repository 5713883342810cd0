from pathlib import Path

import pytest

from pipeline.settings import Settings, SettingsError

SECRET = "hunter2-never-shown"


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.load({})

    assert settings.nats_url.get_secret_value() == "nats://127.0.0.1:4222"
    assert settings.limits.max_members == 1000


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert Settings.load({"DMARQ_LOG_LEVEL": "", "DMARQ_HEALTH_ADDRESS": ""}) == Settings.load({})


@pytest.mark.parametrize(("given", "trusted"), [("", ""), ("*", "*"), ("192.0.2.1", "192.0.2.1"), ("0::1", "::1")])
def test_a_trusted_proxy_is_an_address(given: str, trusted: str) -> None:
    assert Settings.load({"DMARQ_TRUSTED_PROXY": given}).trusted_proxy == trusted


def test_a_name_is_no_trusted_proxy() -> None:
    with pytest.raises(SettingsError, match="DMARQ_TRUSTED_PROXY: should be an IP address"):
        Settings.load({"DMARQ_TRUSTED_PROXY": "proxy.example"})


def test_variables_of_others_are_left_alone() -> None:
    assert Settings.load({"NATS_URL": "x", "DMARQ_TEST_KEY_FILE": "/nowhere"}) == Settings.load({})


def test_a_limit_is_a_variable_of_its_own() -> None:
    assert Settings.load({"DMARQ_MAX_MEMBERS": "7"}).limits.max_members == 7


@pytest.mark.parametrize("content", [SECRET, f"  {SECRET}\n", f"{SECRET}\r\n"])
def test_a_value_may_be_in_a_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)

    assert Settings.load({"DMARQ_SECRET_KEY_FILE": str(file)}).secret_key.get_secret_value() == SECRET


def test_the_file_counts_where_both_are_given(tmp_path: Path) -> None:
    file = tmp_path / "level"
    file.write_text("error")

    assert Settings.load({"DMARQ_LOG_LEVEL": "debug", "DMARQ_LOG_LEVEL_FILE": str(file)}).log_level == "error"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=r"^DMARQ_SECRET_KEY_FILE: cannot read .*key"):
        Settings.load({"DMARQ_SECRET_KEY_FILE": str(file)})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DMARQ_NATS_URL", SECRET),  # no URL
        ("DMARQ_NATS_URL", f"http://u:{SECRET}@h"),  # not NATS's
        ("DMARQ_NATS_URL", f"nats://good:4222,u:{SECRET}@h"),  # one of several
        ("DMARQ_NATS_REPLICAS", "6"),
        ("DMARQ_NATS_REPLICAS", SECRET),
        ("DMARQ_NATS_URL", f"nats://h:{SECRET}"),  # no port
        ("DMARQ_NATS_URL", f"nats://u:{SECRET}@[::1"),
        ("DMARQ_DATABASE_URL", f"mysql://u:{SECRET}@h"),
        ("DMARQ_DATABASE_URL", f"postgresql://u:{SECRET}@h:abc/x"),
        ("DMARQ_DATABASE_URL", f"postgresql://u:{SECRET}/@h/x"),  # a password that is not percent-encoded
        ("DMARQ_DATABASE_POOL", "0"),
        ("DMARQ_LOG_LEVEL", SECRET),
        ("DMARQ_LOG_JSON", SECRET),
        ("DMARQ_HTTP_ADDRESS", SECRET),  # no port
        ("DMARQ_HEALTH_ADDRESS", f"localhost:{SECRET}"),  # no number
        ("DMARQ_FAILURE_SAMPLE", SECRET),
        ("DMARQ_MAX_PARTS", SECRET),
        ("DMARQ_MAX_PARTS", "-1"),
    ],
)
def test_a_wrong_value_is_named_but_never_shown(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({variable: value})

    assert str(caught.value).startswith(f"{variable}: ")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:8080", ":8080", "[::1]:8080", "localhost:0", "config-api.dmarq:80"])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    assert Settings.load({"DMARQ_HTTP_ADDRESS": address}).http_address == address


def test_several_servers_of_a_cluster_are_one_url() -> None:
    url = "nats://u:p@a:4222, tls://b:4222"

    assert Settings.load({"DMARQ_NATS_URL": url}).nats_url.get_secret_value() == url


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = Settings.load({"DMARQ_SECRET_KEY": SECRET, "DMARQ_ADMIN_TOKEN": SECRET})

    assert SECRET not in repr(settings)
