"""The vocabularies in docs/reports.md and the schema of a parse line, from the code: `python -m dmarq.reference docs`

Beside `pipeline.reference`, because only this package knows the extractor and the parser both.
"""

import argparse
import json
import sys
from pathlib import Path

from dmarq.parsing import ParseLine
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import MailRepair
from pipeline.contracts.repairs import Repair as ReportRepair
from pipeline.reference import filled, glossary

PAGE = "reports.md"
SCHEMA = "parse_line.schema.json"


def blocks() -> dict[str, str]:
    """The generated blocks of the page by their names, in Markdown."""
    return {
        "mail_repairs": glossary("Repair", MailRepair),
        "report_repairs": glossary("Repair", ReportRepair),
        "reasons": glossary("Reason", Reason),
    }


def line_schema() -> str:
    """The JSON Schema of a line of `dmarq parse`."""
    schema = ParseLine.model_json_schema(mode="serialization")
    schema["required"] = [name for name, field in ParseLine.model_fields.items() if field.is_required()]
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema, indent=2) + "\n"


def main() -> int:
    """Writes the generated parts into a directory's reports.md, and the schema beside it."""
    parser = argparse.ArgumentParser(prog="python -m dmarq.reference", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="the documentation: docs")
    directory: Path = parser.parse_args().directory
    page = directory / PAGE
    page.write_text(filled(page.read_text(encoding="utf-8"), blocks()), encoding="utf-8")
    (directory / SCHEMA).write_text(line_schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
