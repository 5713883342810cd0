"""What all tests share."""

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.support.fixtures_servers",
    "tests.support.fixtures_postgres",
    "tests.support.fixtures_imap",
    "tests.support.node",
]

# No test asserts on time: on a busy machine a single example may take long.
settings.register_profile("dmarq", deadline=None)
settings.load_profile("dmarq")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that are given more time than others come first: begun at last, each would be waited for alone."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))
