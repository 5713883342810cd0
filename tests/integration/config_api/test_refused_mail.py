"""Refused mail is kept within its quota, and makes room for new email."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from config_api.dead_letters.quota import DeadQuota
from config_api.overview.attention import on_the_bus
from pipeline.contracts.dead_letter import AT, dead_letters
from pipeline.contracts.limits import KiB, MiB
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import BLOB_STREAM, DEAD, INLINE_CARGO_BYTES
from pipeline.contracts.wire import Envelope, encode
from pipeline.errors import Dead
from tests.integration.config_api.test_dead_letters import MAIL, _fetched, _letters, _put_dead_letters
from tests.support.config_api import Api


def _enforced(api: Api, **quota: int) -> int:
    api.backend.settings = api.backend.settings.model_copy(update=quota)
    return api.backend.run(DeadQuota(api.backend).enforce())


def test_refused_mail_is_kept_within_a_quota_that_counts_its_blobs(api: Api) -> None:
    large = MAIL + b"x" * INLINE_CARGO_BYTES

    async def checked_in(uid: int) -> Envelope:
        return await api.backend.bus._check_in(_fetched(uid, mail=large))

    _put_dead_letters(api, *(api.backend.run(checked_in(uid)) for uid in range(1, 5)))

    assert _enforced(api, keep_refused_bytes=4 * len(large)) == 0
    assert _enforced(api, keep_refused_bytes=2 * len(large)) == 2
    assert [letter["id"] for letter in _letters(api)] == [4, 3]
    assert REGISTRY.get_sample_value("dmarq_refused_mail_fullness_ratio") == 1.0


def test_refused_mail_that_is_too_old_goes_and_is_counted(api: Api) -> None:
    before = REGISTRY.get_sample_value("dmarq_refused_mail_dropped_total") or 0.0
    old = dead_letters(encode(_fetched(1)), Dead(Reason.BUG, "long ago"), consumer="extractor", deliveries=1)[0]
    long_ago = (datetime.now(UTC) - timedelta(days=4)).isoformat()
    api.backend.run(api.backend.bus.publish_wires([replace(old, headers={**old.headers, AT: long_ago})]))
    _put_dead_letters(api, _fetched(2))

    assert _enforced(api, keep_refused_days=3) == 1
    assert [letter["id"] for letter in _letters(api)] == [2]
    told = [entry["line"]["name"] for entry in api("GET", "/activity").json["items"]]  # type: ignore[index]
    assert told == ["refused_mail_dropped"]
    assert REGISTRY.get_sample_value("dmarq_refused_mail_dropped_total") == before + 1


def test_what_somebody_threw_away_meanwhile_is_no_fault_of_the_quota(api: Api) -> None:
    _put_dead_letters(api, _fetched(1), _fetched(2))
    quota = DeadQuota(api.backend)
    assert api.backend.run(quota.enforce()) == 0
    assert api("DELETE", "/dead-letters/2").status_code == 204
    api.backend.settings = api.backend.settings.model_copy(update={"keep_refused_bytes": 1})

    api.backend.run(quota.enforce())

    assert _letters(api) == []


def test_a_dead_letter_of_a_mailbox_that_cannot_be_goes_like_any_other(api: Api) -> None:
    letter = dead_letters(encode(_fetched(1)), Dead(Reason.BUG, "strange"), consumer="extractor", deliveries=1)[0]
    api.backend.run(api.backend.bus.publish_wires([replace(letter, subject="dead.extractor.A\u00c4!")]))

    assert _enforced(api, keep_refused_bytes=1) == 1
    assert _letters(api) == []


def _shrink_the_store(api: Api, size: int) -> None:
    async def shrunk() -> None:
        config = (await api.backend.bus.js.stream_info(BLOB_STREAM)).config
        await api.backend.bus.js.update_stream(config.evolve(max_bytes=size))

    api.backend.run(shrunk())


def _put_large_dead_letters(api: Api, count: int, *, size: int) -> None:
    async def checked_in(uid: int) -> Envelope:
        return await api.backend.bus._check_in(_fetched(uid, mail=MAIL + b"x" * size))

    _put_dead_letters(api, *(api.backend.run(checked_in(uid)) for uid in range(1, count + 1)))


def test_refused_mail_has_half_of_the_store_at_most_however_large_its_quota_is(api: Api) -> None:
    _put_large_dead_letters(api, 6, size=MiB)
    _put_dead_letters(api, _fetched(7))
    _shrink_the_store(api, 8 * MiB)

    assert _enforced(api) == 3

    assert [letter["id"] for letter in _letters(api)] == [7, 6, 5, 4]


def test_refused_mail_goes_from_the_store_before_new_email_has_to_wait(api: Api) -> None:
    """What else fills the store is on its way; small dead letters take no room there, and stay."""
    _put_large_dead_letters(api, 2, size=MiB)
    _put_dead_letters(api, _fetched(3))
    api.backend.run(api.backend.bus.blobs.put("on its way", bytes(5 * MiB)))
    _shrink_the_store(api, 8 * MiB)
    refused = api("POST", "/imports", data=b"x" * (600 * KiB))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert refused.json is not None
    assert refused.json["title"] == "The store is full"
    assert api("POST", "/imports", data=b"<feedback>").status_code == 202
    assert [item.kind for item in api.backend.run(on_the_bus(api.backend))] == ["Store full", "Emails not read"]
    assert api("GET", "/status").json["streams"][-1]["fullness"] > 0.8  # type: ignore[index]

    assert _enforced(api) == 2

    assert [letter["id"] for letter in _letters(api)] == [3]
    assert api("POST", "/imports", data=b"x" * (600 * KiB)).status_code == 202
    assert [item.kind for item in api.backend.run(on_the_bus(api.backend))] == ["Emails not read"]


def test_of_one_file_that_was_handed_over_twice_each_dead_letter_keeps_its_own_bytes(api: Api) -> None:
    """Ten minutes apart, so that the broker does not take the second for the first."""
    first = _fetched(1, mail=MAIL + b"x" * INLINE_CARGO_BYTES)
    event = first.event
    assert isinstance(event, MailFetched)
    first = replace(first, event=event.model_copy(update={"run_id": ""}))
    later = event.model_copy(update={"run_id": "", "fetched_at": event.fetched_at + timedelta(minutes=10)})

    async def checked_in(envelope: Envelope) -> Envelope:
        return await api.backend.bus._check_in(envelope)

    async def forgetful() -> None:
        js = api.backend.bus.js
        await js.update_stream((await js.stream_info(DEAD.name)).config.evolve(duplicate_window=0.1))

    api.backend.run(forgetful())
    _put_dead_letters(api, api.backend.run(checked_in(first)))
    time.sleep(0.5)
    _put_dead_letters(api, api.backend.run(checked_in(replace(first, event=later))))
    letters = [letter["id"] for letter in _letters(api)]
    assert len(letters) == 2
    assert api("DELETE", f"/dead-letters/{letters[0]}").status_code == 204

    assert api("GET", f"/dead-letters/{letters[1]}/mail").data == MAIL + b"x" * INLINE_CARGO_BYTES
