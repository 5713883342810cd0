import pytest

from fetcher.connection_test import recovery_steps
from pipeline.contracts.connection_test import Category


@pytest.mark.parametrize("category", [category for category in Category if category is not Category.OK])
def test_every_fault_has_steps_and_ends_with_the_logs(category: Category) -> None:
    steps = recovery_steps(category)

    assert len(steps) >= 3
    assert "log pages" in steps[-1]


def test_what_works_needs_no_steps() -> None:
    assert recovery_steps(Category.OK) == ()
