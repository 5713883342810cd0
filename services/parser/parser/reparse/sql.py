"""The SQL of reparse, by name."""

from pipeline.statements import Statements

REPARSE = Statements.of("parser.reparse")
