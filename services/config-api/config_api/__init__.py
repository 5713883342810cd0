"""Settings, activity, reports and dead letters behind an HTTP API with web pages."""
