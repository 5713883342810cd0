"""Every NATS user tries every stream, bucket and subject, in every way that is known: its own work and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.contracts import topology
from tests.support.deployment import GuardedNats, Secrets, guarded_nats
from tests.support.rights import (
    EVERYTHING,
    MAY,
    REQUESTS,
    USERS,
    makings,
    migrations,
    readings,
    refused,
    subscriptions,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, secrets: Secrets) -> Iterator[GuardedNats]:
    """A server without streams: what is tried here is nobody else's event."""
    with guarded_nats(tmp_path_factory.mktemp("empty-nats"), secrets) as server:
        yield server


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("stream", EVERYTHING)
async def test_a_user_reads_the_streams_of_its_work_alone(
    user: str, stream: str, secrets: Secrets, empty: GuardedNats
) -> None:
    tried = tuple(readings(stream))

    allowed = set(tried) - await refused(user, secrets, empty, publish=tried)

    assert bool(allowed) == (stream in MAY[user].reads), allowed


@pytest.mark.parametrize("user", USERS)
async def test_only_migrate_makes_streams_and_only_those_of_the_topology(
    user: str, secrets: Secrets, empty: GuardedNats
) -> None:
    tried = tuple(makings())

    allowed = set(tried) - await refused(user, secrets, empty, publish=tried)

    assert allowed == (migrations() if MAY[user].makes_streams else set())


@pytest.mark.parametrize("user", USERS)
async def test_a_user_publishes_the_events_of_its_work_and_asks_what_it_must(
    user: str, secrets: Secrets, empty: GuardedNats
) -> None:
    streams = {subject: stream for stream, subject in EVERYTHING.items()}
    tried = (*streams, *REQUESTS)

    allowed = set(tried) - await refused(user, secrets, empty, publish=tried)

    assert {streams.get(subject, subject) for subject in allowed} == MAY[user].writes | MAY[user].asks


@pytest.mark.parametrize("user", USERS)
async def test_a_user_purges_what_it_put_alone(user: str, secrets: Secrets, empty: GuardedNats) -> None:
    tried = tuple(f"$JS.API.STREAM.PURGE.{stream}" for stream in EVERYTHING)

    allowed = set(tried) - await refused(user, secrets, empty, publish=tried)

    assert {subject.rpartition(".")[2] for subject in allowed} == MAY[user].purges


@pytest.mark.parametrize("user", USERS)
async def test_a_user_hears_what_is_meant_for_it_alone(user: str, secrets: Secrets, empty: GuardedNats) -> None:
    tried = tuple(subscriptions(user))

    assert set(tried) - await refused(user, secrets, empty, subscribe=tried) == set()
    assert await refused(user, secrets, empty, subscribe=tuple(MAY[user].hears)) == set()


@pytest.mark.parametrize(
    ("user", "consumer"), [("extractor", "extractor"), ("parser", "parser"), ("parser", "recorder")]
)
async def test_a_dead_letter_names_the_consumer_of_its_own_service(
    user: str, consumer: str, secrets: Secrets, empty: GuardedNats
) -> None:
    own, other = topology.dead_subject(consumer, "x"), topology.dead_subject("act-x", "x")

    assert await refused(user, secrets, empty, publish=(own, other)) == {other}


async def test_who_follows_events_cannot_touch_the_consumer_of_a_service(secrets: Secrets, empty: GuardedNats) -> None:
    own = tuple(request for request in readings("EVENT") if "recorder" in request)
    touching = (*own, "$JS.API.CONSUMER.DELETE.EVENT.recorder", "$JS.ACK.EVENT.recorder.1.1.1.1.1")

    assert await refused("events", secrets, empty, publish=touching) == set(touching)


async def test_who_puts_bytes_may_look_for_their_name_and_no_further(secrets: Secrets, empty: GuardedNats) -> None:
    name, chunk = (f"$JS.API.DIRECT.GET.OBJ_blob.$O.blob.{kind}.x" for kind in "MC")

    assert await refused("fetcher", secrets, empty, publish=(name, chunk)) == {chunk}


def test_the_table_knows_every_user_of_the_configuration(empty: GuardedNats) -> None:
    users = Path(__file__).parents[3].joinpath("deploy/nats-users.conf").read_text(encoding="utf-8")

    assert users.count("user: ") == len(MAY) + 1  # and the operator
    assert all(f'user: "{user}"' in users for user in (*MAY, "operator"))
