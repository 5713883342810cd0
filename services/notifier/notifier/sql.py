"""The notifier's SQL, by name."""

from pipeline.postgres.statements import Statements

SQL = Statements.of("notifier")
