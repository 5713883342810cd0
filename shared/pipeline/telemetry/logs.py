"""Structured logs: JSON lines in containers, readable on a terminal. Bodies and secrets never get here."""

import logging
import sys
from typing import Any

import structlog

MAX_VALUE_LENGTH = 1000  # characters
MAX_TRACEBACK_LENGTH = 10_000  # characters; the end counts
MAX_ITEMS = 200
MAX_DEPTH = 4


def configure_logs(*, service: str, level: str, json_lines: bool | None = None) -> None:
    """Sets up structlog and the standard library's logging for this process; JSON unless stderr is a terminal."""
    as_json = not sys.stderr.isatty() if json_lines is None else json_lines
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, bounded]
    shown.append(
        structlog.processors.JSONRenderer(default=str) if as_json else structlog.dev.ConsoleRenderer(pad_event_to=24)
    )
    structlog.configure(
        processors=[*shared, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[foreign], force=True)
    logging.getLogger("aioimaplib").setLevel(logging.ERROR)


def bounded(_: object, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The entry with control characters and length of everything tamed; a traceback keeps its lines and its end."""
    return {
        key: str(value)[-MAX_TRACEBACK_LENGTH:] if key == "exception" else _tame(value, MAX_DEPTH)
        for key, value in entry.items()
    }


def _tame(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and depth:
        return {_line(key): _tame(item, depth - 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_tame(item, depth - 1) for item in list(value)[:MAX_ITEMS]]
    return _line(value)


def _line(value: object) -> str:
    text = str(value)[:MAX_VALUE_LENGTH]
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
