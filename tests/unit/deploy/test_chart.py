"""The Helm chart renders, and what it renders is good Kubernetes and as narrow as docker-compose.yml."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart, HelmError, disable_logging, lint
from kubernetes_validate.utils import validate

from tests.support.deployment import DEPLOY

CHART = DEPLOY / "kubernetes/dmarq"
VERSIONS = ("1.27", "1.34")
EVERYTHING = {
    "autoscaling": {"enabled": True},
    "ingress": {"enabled": True, "tlsSecret": "tls"},
    "monitoring": {"serviceMonitor": True, "prometheusRule": True, "dashboards": True},
    "networkPolicy": {"ingressFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
}
CUSTOM = {"ServiceMonitor", "PrometheusRule"}

disable_logging()


REGISTRY = {"image": {"registry": "registry.example.com/dmarq"}}


def rendered(values: dict[str, Any], *, revision: int = 1) -> list[dict[str, Any]]:
    with Chart.load(CHART) as chart:
        files = chart.render(REGISTRY | values, name="dmarq", namespace="mail", revision=revision)
    texts = [text for name, text in files.items() if not name.endswith(".txt")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def pods() -> dict[str, dict[str, Any]]:
    documents = [found for found in rendered({}) if found["kind"] in {"Deployment", "Job"}]
    return {found["metadata"]["name"]: found["spec"]["template"]["spec"] for found in documents}


def test_helm_itself_has_nothing_to_complain_about() -> None:
    assert [line for line in lint(CHART, values=REGISTRY, strict=True)["messages"] if line["severity"] > 1] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_every_document_is_one_of_kubernetes(values: dict[str, Any], version: str) -> None:
    for document in rendered(values):
        if document["kind"] not in CUSTOM:
            validate(document, version, strict=True)


def test_everything_can_be_switched_on() -> None:
    kinds = {document["kind"] for document in rendered(EVERYTHING)}

    assert {"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress", *CUSTOM} <= kinds


@pytest.mark.parametrize("name", pods())
def test_every_pod_is_as_narrow_as_it_can_be(name: str) -> None:
    pod = pods()[name]
    (container,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]


def test_the_files_that_name_sources_are_mounted_where_they_are_read() -> None:
    volume = {"persistentVolumeClaim": {"claimName": "naming"}}
    documents = [found for found in rendered({"naming": volume}) if found["kind"] == "Deployment"]
    specs = {found["metadata"]["name"]: found["spec"]["template"]["spec"] for found in documents}
    mounted = {
        name
        for name, pod in specs.items()
        if {"name": "naming", **volume} in pod["volumes"]
        and {"name": "naming", "mountPath": "/naming", "readOnly": True} in pod["containers"][0]["volumeMounts"]
    }

    assert mounted == {"dmarq-parser", "dmarq-config-api"}
    assert not any(one["name"] == "naming" for pod in pods().values() for one in pod["volumes"])


@pytest.mark.parametrize("service", ["fetcher", "extractor", "parser", "config-api", "notifier"])
def test_a_service_is_asked_how_it_is_and_given_time_to_stop(service: str) -> None:
    pod = pods()[f"dmarq-{service}"]
    (container,) = pod["containers"]

    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["terminationGracePeriodSeconds"] == 40


def test_a_service_sees_its_own_secrets_only() -> None:
    seen = {
        re.sub("-1-[0-9a-f]{8}$", "", name): {
            item["path"] for source in pod["volumes"][0]["projected"]["sources"] for item in source["secret"]["items"]
        }
        for name, pod in pods().items()
    }

    assert seen == {
        "dmarq-fetcher": {"nats_url", "secret_key"},
        "dmarq-extractor": {"nats_url"},
        "dmarq-parser": {"nats_url", "database_url"},
        "dmarq-config-api": {"nats_url", "database_url", "secret_key"},
        "dmarq-notifier": {"nats_url", "database_url", "secret_key"},
        "dmarq-migrate": {"nats_url", "database_url"},
    }


def test_permissions_rules_and_dashboards_are_those_of_the_other_deployments() -> None:
    documents = {(found["kind"], found["metadata"]["name"]): found for found in rendered(EVERYTHING)}

    users = documents["ConfigMap", "dmarq-nats-users"]["data"]["nats-users.conf"]
    assert users.strip() == (DEPLOY / "nats-users.conf").read_text(encoding="utf-8").strip()
    rules = documents["PrometheusRule", "dmarq"]["spec"]
    assert rules == yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text(encoding="utf-8"))
    for path in (DEPLOY / "grafana/dashboards").glob("*.json"):
        assert path.name in documents["ConfigMap", f"dmarq-{path.stem}"]["data"]


@pytest.mark.parametrize(
    "values",
    [
        {"database": {"existingSecret": ""}},
        {"nats": {"replicas": 2}},
        {"services": {"x": {}}},
        {"image": {"registry": ""}},
    ],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with Chart.load(CHART) as chart, pytest.raises(HelmError):
        chart.validate_schema(chart.merge_values(REGISTRY | values))


def settings(values: dict[str, Any]) -> tuple[dict[str, str], set[str]]:
    """The settings of the services, and what makes their pods start again when they change."""
    documents = rendered(values)
    (data,) = (d["data"] for d in documents if d["kind"] == "ConfigMap" and d["metadata"]["name"] == "dmarq-settings")
    pods = [d["spec"]["template"] for d in documents if d["kind"] == "Deployment"]
    return data, {pod["metadata"]["annotations"]["dmarq/settings"] for pod in pods}


@pytest.mark.parametrize(
    "change",
    [{"publicUrl": "https://x.example"}, {"nats": {"replicas": 3}}, {"settings": {"DMARQ_LOG_LEVEL": "debug"}}],
)
def test_a_changed_setting_starts_the_services_again(change: dict[str, Any]) -> None:
    _, before = settings({})
    _, after = settings(change)

    assert len(before) == len(after) == 1
    assert before != after


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://localhost:8080"),
        ({"ingress": {"enabled": True, "host": "a.example"}}, "http://a.example"),
        ({"ingress": {"enabled": True, "host": "a.example", "tlsSecret": "x"}}, "https://a.example"),
        ({"ingress": {"enabled": True}, "publicUrl": "https://b.example"}, "https://b.example"),
    ],
)
def test_the_public_url_is_that_of_the_ingress_unless_told_otherwise(values: dict[str, Any], url: str) -> None:
    data, _ = settings(values)

    assert data["DMARQ_PUBLIC_URL"] == url


def test_what_the_migration_depends_on_is_in_its_name() -> None:
    def name(values: dict[str, Any]) -> str:
        (found,) = (document["metadata"]["name"] for document in rendered(values) if document["kind"] == "Job")
        return str(found)

    assert name({}) == name({"publicUrl": "https://x.example"})
    assert name({}) != name({"image": {**REGISTRY["image"], "tag": "2"}})


def test_secrets_of_ones_own_take_the_place_of_those_that_are_made() -> None:
    own = {"nats": {"existingSecret": "my-urls"}, "secretKey": {"existingSecret": "my-key"}}

    assert [document for document in rendered(own) if document["kind"] == "Secret"] == []
    assert "my-urls" in yaml.safe_dump_all(rendered(own))


def test_the_values_for_the_nats_chart_name_what_this_chart_makes() -> None:
    text = Path(CHART.parent / "nats-values.yaml").read_text(encoding="utf-8")
    made = {(found["kind"], found["metadata"]["name"]) for found in rendered({})}

    assert "configMap: {name: dmarq-nats-users}" in text
    assert "secretName: dmarq-nats-users" in text
    assert {("ConfigMap", "dmarq-nats-users"), ("Secret", "dmarq-nats-users")} <= made
