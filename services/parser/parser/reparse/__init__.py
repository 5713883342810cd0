"""Reading kept documents again, after a fix of the parser.

jobs -> worker -> kept (what was stored) -> documents.read_document -> settle (one transaction each) -> compare, mail
"""
