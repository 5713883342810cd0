"""The SQL of reparse, by name."""

from pipeline.postgres.statements import Statements

REPARSE = Statements.of("parser.reparse")
