"""What all tests share."""

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
