"""The reader of failure reports: personal data, handled as such."""
