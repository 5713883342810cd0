"""The names of repairs are a promise to the outside: stored, shown and documented."""

import re

import pytest

from pipeline.contracts.repairs import Repair


@pytest.mark.parametrize("repair", Repair)
def test_a_repair_has_a_plain_name_and_an_explanation(repair):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", repair)
    assert repair.text
    assert Repair(str(repair)) is repair
