"""The SQL of this package, by name."""

from pipeline.postgres.statements import Statements

SQL = Statements.of("config_api.notifications")
