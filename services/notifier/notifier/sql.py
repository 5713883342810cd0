"""The notifier's SQL, by name."""

from pipeline.statements import Statements

SQL = Statements.of("notifier")
