"""Dashboards and alert rules speak of metrics that exist, and every metric has a place where somebody sees it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from pipeline.telemetry import metrics
from tests.support.deployment import DEPLOY

DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
RULES = DEPLOY / "prometheus/alerts.yml"
OPERATIONS = DEPLOY.parent / "docs/operations.md"
METRIC = re.compile(r"\bdmarq_[a-z_]+\b")
DATASOURCES = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/dmarq.yml").read_text())["datasources"]


def declared() -> dict[str, frozenset[str]]:
    """The names that Prometheus will know, each with its labels."""
    names: dict[str, frozenset[str]] = {}
    for metric in vars(metrics).values():
        if not isinstance(metric, Counter | Gauge | Histogram):
            continue
        (described,) = metric.describe()
        labels = frozenset(metric._labelnames)
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}[described.type]
        names |= {described.name + suffix: labels for suffix in suffixes}
    return names


def panels(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> list[tuple[str, str]]:
    """(where, PromQL) of every panel and every rule."""
    found = [
        (f"{path.stem}: {panel['title']}", target["expr"])
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
        if "expr" in target
    ]
    return found + [(f"alert {rule['alert']}", rule["expr"]) for rule in rules()]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_every_metric_named_is_declared(where: str, expression: str) -> None:
    unknown = set(METRIC.findall(expression)) - declared().keys()

    assert not unknown, where


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_every_label_that_is_summed_by_belongs_to_its_metric(where: str, expression: str) -> None:
    known = frozenset().union(*(declared()[name] for name in METRIC.findall(expression)))
    grouped = {label for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(", ")}

    assert grouped <= known | {"service", "le"}, where


def test_every_metric_is_shown_or_watched() -> None:
    seen = {name for _, expression in expressions() for name in METRIC.findall(expression)}
    histograms = {name.removesuffix("_bucket") for name in seen}

    assert {n for n in declared() if re.sub("_(sum|count)$", "", n) not in histograms} <= seen


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_has_its_own_id_and_a_provisioned_source(path: Path) -> None:
    found = panels(path)
    known = {(source["type"], source["uid"]) for source in DATASOURCES}

    assert len({panel["id"] for panel in found}) == len(found)
    assert {(panel["datasource"]["type"], panel["datasource"]["uid"]) for panel in found} <= known


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description"}
    assert f"`{rule['alert']}`" in OPERATIONS.read_text(encoding="utf-8")
