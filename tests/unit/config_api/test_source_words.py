"""What is said of sources agrees with the numbers beside it."""

from config_api.sources.words import MEANINGS, NOTHING_FAILED, meaning
from pipeline.sources.judge import Verdict


def test_a_service_of_which_nothing_failed_is_not_said_to_fail() -> None:
    assert meaning(Verdict.MISALIGNED, 0) == NOTHING_FAILED
    assert meaning(Verdict.MISALIGNED, 1) == MEANINGS[Verdict.MISALIGNED]
    assert meaning(Verdict.ALIGNED, 0) == MEANINGS[Verdict.ALIGNED]
