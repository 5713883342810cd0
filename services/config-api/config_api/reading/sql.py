"""The SQL of this package, by file and name. A filter that is null lets everything through."""

from pipeline.statements import Statements

ACTIVITY = Statements.of("config_api.reading", "activity.sql")
MAILS = Statements.of("config_api.reading", "mails.sql")
REPORTS = Statements.of("config_api.reading", "reports.sql")
REPARSE = Statements.of("config_api.reading", "reparse.sql")
STATUS = Statements.of("config_api.reading", "status.sql")
SOURCES = Statements.of("config_api.reading", "sources.sql")
SUMMARY = Statements.of("config_api.reading", "summary.sql")
