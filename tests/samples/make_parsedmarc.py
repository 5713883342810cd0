"""Writes the samples of what parsedmarc keeps again: run it with a Python that has `parsedmarc[postgresql]`.

    python tests/samples/make_parsedmarc.py FOLDER-OF-EMAILS postgresql://...   # an empty database

It lets the real parsedmarc read the emails and write its JSON, its CSV and its tables, which are then kept as SQL.
"""

import gzip
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import parsedmarc.postgres
import psycopg

HERE = Path(__file__).parent / "parsedmarc-11.1"
FILES = ("aggregate.json", "aggregate.csv", "smtp_tls.json", "smtp_tls.csv", "failure.json", "failure.csv")


def main(emails: Path, url: str) -> None:
    """Writes the files."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch) / "parsedmarc.ini"
        saved = "save_aggregate=True\nsave_failure=True\nsave_smtp_tls=True\noffline=True"
        output = f"output={scratch}\n[postgresql]\nconnection_string={url}"
        settings.write_text(f"[general]\n{saved}\n{output}\n")
        command = [
            str(Path(sys.executable).with_name("parsedmarc")),
            "-c",
            str(settings),
            *map(str, sorted(emails.iterdir())),
        ]
        subprocess.run(command, check=True, env={**os.environ, "TZ": "UTC"}, capture_output=True)
        HERE.mkdir(exist_ok=True)
        for name in FILES:
            (HERE / f"{name}.gz").write_bytes(gzip.compress((Path(scratch) / name).read_bytes(), mtime=0))
    (HERE / "tables.sql.gz").write_bytes(gzip.compress(_tables(url).encode(), mtime=0))


def _tables(url: str) -> str:
    source = inspect.getsource(parsedmarc.postgres)
    tables = re.findall(r"(CREATE TABLE IF NOT EXISTS (\w+) \(.*?\n {12}\))", source, re.DOTALL)
    lines = []
    with psycopg.connect(url) as connection:
        for body, table in tables:
            (rows,) = connection.execute(f"SELECT coalesce(json_agg(t), '[]') FROM {table} AS t").fetchone()
            text = json.dumps(rows).replace("'", "''")
            values = f"json_populate_recordset(NULL::{table}, '{text}')"
            lines += [f"{body};", f"INSERT INTO {table} SELECT * FROM {values};"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
