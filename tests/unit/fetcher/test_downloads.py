"""A folder's new mails cut into stretches, and mails gathered into batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.reading.download import sift
from fetcher.reading.fetch_run import BATCH_BYTES, BATCH_MAILS, Batch, Download, Stretch, stretches
from pipeline.contracts.reasons import Reason


def meta(uid: int) -> Meta:
    return Meta(uid=uid, size=10, internal_date=None, flags=frozenset(), header=b"")


@pytest.mark.parametrize(
    ("new", "wanted", "cut"),
    [
        ([], set(), []),
        ([4, 5], {4, 5}, [Stretch((4, 5), 0, 5)]),
        ([4, 5, 6], {5}, [Stretch((5,), 2, 6)]),
        ([4, 5, 6, 7], {4, 6, 7}, [Stretch((4, 6), 1, 6), Stretch((7,), 0, 7)]),
        ([4, 5, 6, 7], {4, 5}, [Stretch((4, 5), 0, 5), Stretch((), 2, 7)]),
        ([4, 5, 6], set(), [Stretch((), 3, 6)]),
        ([4, 5], {4, 5, 99}, [Stretch((4, 5), 0, 5)]),
    ],
)
def test_a_stretch_has_at_most_so_many_wanted_mails(new: list[int], wanted: set[int], cut: list[Stretch]) -> None:
    assert list(stretches(new, wanted, mails=lambda: 2)) == cut


@given(st.sets(st.integers(1, 500)), st.sets(st.integers(1, 500)), st.integers(1, 20))
def test_every_new_mail_is_in_exactly_one_stretch(new: set[int], wanted: set[int], mails: int) -> None:
    cut = list(stretches(sorted(new), wanted, mails=lambda: mails))
    assert [uid for stretch in cut for uid in stretch.uids] == sorted(new & wanted)
    assert sum(stretch.passed_over for stretch in cut) == len(new - wanted)
    assert all(len(stretch.uids) <= mails for stretch in cut)
    ends = [stretch.up_to_uid for stretch in cut]
    assert ends == sorted(set(ends))
    assert ends[-1:] == sorted(new)[-1:]


def test_a_mail_on_which_the_filters_fail_holds_up_no_other() -> None:
    def passes(mail: Meta) -> bool:
        if mail.uid == 2:
            raise RecursionError
        return mail.uid != 3

    assert sift([meta(uid) for uid in (1, 2, 3, 4)], passes) == ([meta(1), meta(4)], [meta(2)])


def test_a_batch_is_full_at_its_number_of_mails() -> None:
    batch = Batch()
    for uid in range(1, BATCH_MAILS):
        batch.add(Download(meta(uid), b"mail"))
    assert not batch.full
    batch.add(Download(meta(BATCH_MAILS), b"mail"))
    assert batch.full
    assert batch.up_to_uid == BATCH_MAILS


def test_a_batch_is_full_at_its_size() -> None:
    batch = Batch()
    batch.add(Download(meta(1), bytes(BATCH_BYTES - 1)))
    assert not batch.full
    batch.add(Download(meta(2), b"x"))
    assert batch.full
    assert batch.size == BATCH_BYTES


def test_a_refused_mail_does_not_move_the_cursor() -> None:
    batch = Batch()
    batch.add(Download(meta(90), refused=Reason.MAIL_TOO_LARGE))
    assert batch.up_to_uid == 0
    batch.add(Download(meta(4), b"mail"))
    assert (batch.up_to_uid, batch.size, len(batch.downloads)) == (4, 4, 2)
