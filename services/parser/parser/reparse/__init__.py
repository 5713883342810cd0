"""Reading kept documents again, after a fix of the parser.

jobs (what was stored) -> worker -> documents.read_document -> settle (compared, one transaction each)
"""
