"""The parser's SQL, by name."""

from pipeline.postgres.statements import Statements

SQL = Statements.of("parser.storage")
