"""What all tests share."""

pytest_plugins = [
    "tests.support.fixtures_servers",
    "tests.support.fixtures_postgres",
    "tests.support.fixtures_imap",
]
