"""A client that a well-known generator makes from the API's description works against the API."""

import json
import subprocess
import sys
from pathlib import Path

from pipeline.settings import process_environment
from tests.support.config_api import Api, served
from tests.support.extracted import extracted
from tests.support.reports import report_xml
from tests.support.services import ADMIN_TOKEN
from tests.support.stored import store

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
GENERATOR = Path(sys.prefix) / "bin" / "openapi-python-client"


def test_a_generated_client_adds_a_mailbox_and_reads_reports_page_by_page(api: Api, tmp_path: Path) -> None:
    store(
        api.backend,
        *(extracted(n, report_xml().replace("<report_id>", f"<report_id>{n}-")) for n in range(5)),
    )
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(api("GET", "/openapi.json").json))
    made = subprocess.run(
        [GENERATOR, "generate", "--path", description, "--output-path", tmp_path / "dmarq_client", "--meta", "none",
         "--config", EXAMPLES / "client.yaml", "--fail-on-warning"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr

    with served(api) as address:
        used = subprocess.run(
            [sys.executable, EXAMPLES / "use_client.py", f"http://{address}", ADMIN_TOKEN],
            env={**process_environment(), "PYTHONPATH": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert used.returncode == 0, used.stdout + used.stderr
    mailboxes, total, *reports = used.stdout.splitlines()
    assert mailboxes == "mailboxes: ['reports-of-example-com']"
    assert total == "reports: 5"
    assert len(reports) == 5
    assert len(set(reports)) == 1
