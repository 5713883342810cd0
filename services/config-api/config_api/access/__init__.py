"""Who may do what: the administrator in a browser, and programs with tokens."""

from config_api.access.guard import who

__all__ = ["who"]
