"""Prometheus takes its configuration, and the alerts speak up in the case that they are for."""

import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from pipeline.telemetry.metrics import StageMetrics
from tests.support.deployment import DEPLOY
from tests.support.other_imap import unpacked

CASES = Path(__file__).with_name("alerts.test.yml")


@pytest.fixture
def promtool() -> str:
    path = shutil.which("promtool")
    folder = unpacked("prometheus", "usr/bin/promtool")
    if path is None and folder is None:
        pytest.skip("the program promtool is missing: it comes with Prometheus")
    return path or f"{folder}/usr/bin/promtool"


def test_prometheus_takes_its_configuration(promtool: str) -> None:
    _succeeds(promtool, "check", "config", str(DEPLOY / "prometheus/prometheus.yml"))


def test_prometheus_takes_the_rules(promtool: str) -> None:
    _succeeds(promtool, "check", "rules", str(DEPLOY / "prometheus/alerts.yml"))


def test_the_alerts_speak_up_when_they_should(promtool: str, tmp_path: Path) -> None:
    for path in (CASES, DEPLOY / "prometheus/alerts.yml"):
        shutil.copy(path, tmp_path)

    _succeeds(promtool, "test", "rules", str(tmp_path / CASES.name))


def test_dead_letters_are_counted_from_nought() -> None:
    """A counter that begins with its first event has no increase to be told of."""
    StageMetrics("a stage")

    assert 'dmarq_stage_events_total{fate="dead",stage="a stage"} 0.0' in generate_latest().decode()


def _succeeds(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
