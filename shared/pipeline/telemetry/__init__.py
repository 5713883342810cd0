"""Logs, metrics and health: how a service tells what it is doing."""
