import pytest

from pipeline.contracts.reasons import Reason
from pipeline.errors import Dead, Rejected, TryLater, decisive, described
from pipeline.runtime.judge import Again, RetryPolicy, Verdict, judge

POLICY = RetryPolicy(bug_delays=(1.0, 5.0), later_delays=(0.2, 3.0))
BUG = KeyError("x")
REFUSED = Rejected(Reason.ENCRYPTED, "part 2")
AWAY = TryLater("postgres", "connection refused")


@pytest.mark.parametrize(
    ("error", "attempt", "verdict"),
    [
        (REFUSED, 1, Dead(Reason.ENCRYPTED, "part 2")),  # a refusal is final at once
        (REFUSED, 9, Dead(Reason.ENCRYPTED, "part 2")),  # ... and whenever it comes
        (AWAY, 1, Again(0.2, in_hand=True)),  # a dependency is soon tried again
        (AWAY, 2, Again(3.0, in_hand=True)),  # ... then not so often
        (AWAY, 100_000, Again(3.0, in_hand=True)),  # ... as long as it takes: never dead
        (BUG, 1, Again(1.0, in_hand=False)),  # a bug gives the event back for a while
        (BUG, 2, Again(5.0, in_hand=False)),  # ... for longer
        (BUG, 3, Dead(Reason.BUG, "KeyError: 'x'")),  # ... and then it is dead
        (ExceptionGroup("g", [AWAY, AWAY]), 1, Again(0.2, in_hand=True)),  # a group of waits is a wait
        (ExceptionGroup("g", [AWAY, REFUSED]), 1, Dead(Reason.ENCRYPTED, "part 2")),  # a refusal outweighs a wait
        (ExceptionGroup("g", [REFUSED, BUG]), 1, Again(1.0, in_hand=False)),  # a bug outweighs a refusal
        (ExceptionGroup("g", [ExceptionGroup("h", [AWAY])]), 2, Again(3.0, in_hand=True)),  # however deep
    ],
)
def test_an_error_and_its_history_give_the_verdict(error: Exception, attempt: int, verdict: Verdict) -> None:
    assert judge(error, attempt=attempt, policy=POLICY) == verdict


def test_the_decisive_error_of_a_single_error_is_itself() -> None:
    assert decisive(BUG) is BUG


def test_a_described_bug_names_its_place() -> None:
    def broken() -> None:
        raise ValueError("no")

    try:
        broken()
    except ValueError as error:
        text = described(error)

    assert text.startswith("ValueError: no < test_judge.py:")


def test_a_described_validation_error_holds_no_value() -> None:
    from pydantic import ValidationError

    from pipeline.contracts.mail import MailRef

    with pytest.raises(ValidationError) as caught:
        MailRef.model_validate({"uid": "secret words of a mail"})

    text = described(caught.value)
    assert "uid" in text
    assert "secret" not in text


def test_a_description_is_bounded() -> None:
    assert len(described(RuntimeError("x" * 10_000))) <= 500
