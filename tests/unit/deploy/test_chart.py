"""The Helm chart renders, and what it renders is good Kubernetes and as narrow as docker-compose.yml."""

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


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    with Chart.load(CHART) as chart:
        files = chart.render(values, name="dmarq", namespace="mail", revision=1)
    texts = [text for name, text in files.items() if not name.endswith(".txt")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def pods() -> dict[str, dict[str, Any]]:
    documents = [found for found in rendered({}) if found["kind"] in {"Deployment", "Job"}]
    return {found["metadata"]["name"]: found["spec"]["template"]["spec"] for found in documents}


def test_helm_itself_has_nothing_to_complain_about() -> None:
    assert [line for line in lint(CHART, strict=True)["messages"] if line["severity"] > 1] == []


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


@pytest.mark.parametrize("service", ["fetcher", "extractor", "parser", "config-api"])
def test_a_service_is_asked_how_it_is_and_given_time_to_stop(service: str) -> None:
    pod = pods()[f"dmarq-{service}"]
    (container,) = pod["containers"]

    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["terminationGracePeriodSeconds"] == 40


def test_a_service_sees_its_own_secrets_only() -> None:
    seen = {
        name: {
            item["path"] for source in pod["volumes"][0]["projected"]["sources"] for item in source["secret"]["items"]
        }
        for name, pod in pods().items()
    }

    assert seen == {
        "dmarq-fetcher": {"nats_url", "secret_key"},
        "dmarq-extractor": {"nats_url"},
        "dmarq-parser": {"nats_url", "database_url"},
        "dmarq-config-api": {"nats_url", "database_url", "secret_key"},
        "dmarq-migrate-1": {"nats_url", "database_url"},
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
    "values", [{"database": {"existingSecret": ""}}, {"nats": {"replicas": 2}}, {"services": {"x": {}}}]
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with Chart.load(CHART) as chart, pytest.raises(HelmError):
        chart.validate_schema(chart.merge_values(values))


def test_the_values_for_the_nats_chart_name_what_this_chart_makes() -> None:
    text = Path(CHART.parent / "nats-values.yaml").read_text(encoding="utf-8")
    made = {(found["kind"], found["metadata"]["name"]) for found in rendered({})}

    assert "configMap: {name: dmarq-nats-users}" in text
    assert "secretName: dmarq-nats-users" in text
    assert {("ConfigMap", "dmarq-nats-users"), ("Secret", "dmarq-nats-users")} <= made
