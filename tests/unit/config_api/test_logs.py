from pydantic import JsonValue

from config_api.activity.logs_page import facts


def test_the_facts_of_a_log_line_have_one_order_and_none_is_empty() -> None:
    told: dict[str, JsonValue] = {
        "ms": 0,
        "why": "",
        "bytes": 7,
        "result": "OK",
        "arguments": "",
        "command": "NOOP",
        "more": [],
        "on": False,
    }
    assert facts(told) == [("command", "NOOP"), ("result", "OK"), ("ms", 0), ("bytes", 7), ("on", False)]
