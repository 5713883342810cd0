"""The linters that others hold descriptions against have nothing to say about ours."""

import json
import subprocess
from pathlib import Path

from pipeline.asyncapi import public_events
from pipeline.settings import process_environment
from tests.support.described import described_api
from tests.support.node import MODULES, NODE

DOCS = Path(__file__).parents[2] / "docs"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def test_redocly_has_no_finding_in_the_openapi_document(node: str, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(described_api()))

    done = subprocess.run(
        [node, MODULES / "@redocly/cli/bin/cli.js", "lint", "openapi.json", "--format=json"],
        cwd=tmp_path, env={**process_environment(), **QUIET}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["problems"] == []


def test_the_asyncapi_parser_has_no_finding_and_knows_every_event(node: str) -> None:
    done = subprocess.run(
        [node, NODE / "asyncapi.mjs", DOCS / "asyncapi.yaml"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["said"] == []
    assert set(found["channels"]) == {event.address for event in public_events()}
