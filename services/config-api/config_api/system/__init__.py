"""The state of the whole system, imports, and reading documents again."""
