"""The extractor: finds the report documents in a mail. Its core is pure; `find` is the way in."""
