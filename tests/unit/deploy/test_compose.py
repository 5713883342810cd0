"""docker-compose.yml is what it claims to be: complete, documented and narrow."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.settings import documented
from tests.compose.scenario import LATER_PERMISSIONS
from tests.support.deployment import DEPLOY, VOLUMES

ROOT = DEPLOY.parent
COMPOSE = ROOT / "docker-compose.yml"
BESIDE_US = Path(sys.executable).parent
EVERYTHING = ("--profile", "demo", "--profile", "monitoring", "--profile", "tools")
OURS = {"fetcher", "extractor", "parser", "config-api", "notifier"}
ONE_SHOTS = {"prepare", "migrate", "demo-mailbox", "dmarq"}
# Set by docker-compose.yml itself, or of use to `dmarq run` alone.
NOT_FOR_COMPOSE = {
    "DMARQ_NATS_URL", "DMARQ_DATABASE_URL", "DMARQ_SECRET_KEY", "DMARQ_HTTP_ADDRESS", "DMARQ_HEALTH_ADDRESS",
    "DMARQ_MIGRATE", "DMARQ_LOG_JSON", "DMARQ_DATA_DIR", "DMARQ_POSTGRES_BIN_DIR", "DMARQ_NATS_SERVER",
    "DMARQ_NOTIFY",
}  # fmt: skip


def services() -> dict[str, dict[str, Any]]:
    """Every service as Compose understands the file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def variables() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))


def test_compose_itself_takes_the_file() -> None:
    command = [str(BESIDE_US / "docker-compose"), "-f", str(COMPOSE), *EVERYTHING, "config", "--format", "json"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() == services().keys()


def test_the_file_follows_the_specification() -> None:
    command = [str(BESIDE_US / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", services())
def test_every_container_is_as_narrow_as_it_can_be(name: str) -> None:
    service = services()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in {"", "0"}
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")


@pytest.mark.parametrize("name", sorted(services().keys() - ONE_SHOTS - OURS))
def test_every_foreign_server_has_a_health_check(name: str) -> None:
    assert services()[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", services())
def test_a_volume_of_secrets_is_mounted_by_its_service_alone(name: str) -> None:
    mounted = [volume.partition(":")[0] for volume in services()[name].get("volumes", ())]
    secret = {volume for volume in mounted if volume.startswith("secrets-")}

    assert name == "prepare" or secret <= {f"secrets-{name}"} or name == "demo-mailbox"


def test_the_secrets_are_prepared_for_every_volume() -> None:
    mounted = {volume.rpartition("/")[2] for volume in services()["prepare"]["volumes"]}

    assert mounted == set(VOLUMES)


def test_only_who_needs_postgres_is_in_its_network() -> None:
    reach = {name for name, service in services().items() if "database" in service.get("networks", ())}

    assert reach == {"postgres", "migrate", "parser", "config-api", "notifier", "grafana"}


def test_the_upgrade_that_is_tried_brings_permissions() -> None:
    users = (DEPLOY / "nats-users.conf").read_text(encoding="utf-8")

    assert users.count(LATER_PERMISSIONS) == 1


def test_our_images_are_in_no_registry_and_so_are_built() -> None:
    ours = [s for s in services().values() if "DMARQ_IMAGES" in s["image"]]
    built = {service["image"] for service in ours if "build" in service}

    assert {service["image"] for service in ours} == built
    assert all(image.startswith("${DMARQ_IMAGES:-localhost/dmarq}/") for image in built)
    assert '"localhost/dmarq"' in (ROOT / "tests/compose/images.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", services())
def test_a_host_with_one_cpu_is_enough(name: str) -> None:
    cpus = services()[name]["deploy"]["resources"]["limits"]["cpus"]

    assert float(re.sub(r"\$\{\w+:-(.*)\}", r"\1", cpus)) <= 1.0


def test_temporary_files_of_the_parser_are_on_disk() -> None:
    parser = services()["parser"]

    assert parser["tmpfs"] == []
    assert "parser-tmp:/tmp" in parser["volumes"]


def test_the_files_that_name_sources_are_mounted_where_they_are_read() -> None:
    mounted = {name for name, one in services().items() if any(":/naming:ro" in v for v in one.get("volumes", ()))}

    assert mounted == {"parser", "config-api"}


@pytest.mark.parametrize(("server", "network"), [("postgres", "database"), ("nats", "bus")])
def test_a_server_of_ones_own_takes_the_place_of_the_container(server: str, network: str) -> None:
    override = DEPLOY / f"compose/own-{server}.yml"
    command = [str(BESIDE_US / "docker-compose"), "-f", str(COMPOSE), "-f", str(override), "config", "--format", "json"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["services"].keys() >= OURS
    assert server not in found["services"]
    assert not found["networks"][network].get("internal")


def test_every_setting_can_be_given_and_every_variable_is_documented() -> None:
    settings = {name for name, _, _ in documented()}
    example = (ROOT / "env.example").read_text(encoding="utf-8")
    explained = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))

    assert settings - NOT_FOR_COMPOSE <= variables()
    assert settings | variables() <= explained
