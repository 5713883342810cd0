"""The parser's SQL, by name."""

from pipeline.statements import Statements

SQL = Statements.of("parser")
