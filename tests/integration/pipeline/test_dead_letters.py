"""What a stage refuses becomes a dead letter."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pipeline.contracts.dead_letter import history_of
from pipeline.contracts.limits import MiB
from pipeline.contracts.mail_events import MailDied
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import DEAD, MAIL, RECORDER
from pipeline.contracts.wire import TYPE, Envelope, Wire, decode
from pipeline.errors import Rejected
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.dead_letters import DeadLetters
from pipeline.jetstream.ensure import stream_config
from pipeline.runtime.stage import Result
from tests.support.events import fetched, uid_of
from tests.support.handlers import Handler, dead_wires
from tests.support.stages import (
    count,
    everything,
    running,
    stage_of,
    until_count,
)

LARGE = b"x" * MiB


async def test_a_refused_member_becomes_a_dead_letter_with_its_bytes_and_the_ledger_hears_of_it(bus: Bus) -> None:
    async def refuse(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [Rejected(Reason.ENCRYPTED, "päss\nword") if uid_of(e.event) == 2 else [] for e in envelopes]

    await bus.publish([fetched(1), fetched(2, b"the bytes"), fetched(3)])
    async with running(bus, stage_of(refuse)):
        await until_count(bus, "MAIL", 0)
    (letter,) = await dead_wires(bus)
    (died,) = await everything(bus, RECORDER)
    history = history_of(letter.headers)

    assert letter.subject == "dead.extractor.reports"
    assert decode(letter.headers, letter.payload).cargo[0].bytes == b"the bytes"
    assert (history.reason, history.detail, history.consumer) == ("encrypted", "p?ss?word", "extractor")
    assert (history.subject, history.deliveries) == ("mail.fetched.reports", 1)
    assert isinstance(died.event, MailDied)
    assert (died.event.mail.uid, died.event.reason) == (2, Reason.ENCRYPTED)


async def test_a_refusal_that_is_raised_is_final_too(bus: Bus) -> None:
    handler = Handler(uid1=[Rejected(Reason.TOO_DEEP)])
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "DEAD", 1)
        await until_count(bus, "MAIL", 0)

    assert handler.tries == {1: 1}


async def test_a_dead_letter_keeps_large_bytes_in_the_object_store(bus: Bus) -> None:
    handler = Handler(uid1=[Rejected(Reason.TOO_DEEP)])
    await bus.publish([fetched(1, LARGE)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)
    (letter,) = await dead_wires(bus)

    assert (await bus.loaded(decode(letter.headers, letter.payload))).cargo[0].bytes == LARGE


async def test_a_dead_letter_keeps_its_bytes_when_one_of_an_earlier_run_is_discarded(bus: Bus) -> None:
    for stream in (MAIL, DEAD):  # long after, in the broker's eyes
        await bus.js.update_stream(replace(stream_config(stream, replicas=1), duplicate_window=0.1))
    first = fetched(1, LARGE)
    later = replace(first, event=first.event.model_copy(update={"run_id": "run-2"}))
    async with running(bus, stage_of(Handler(uid1=[Rejected(Reason.TOO_DEEP)] * 2))):
        for number, envelope in enumerate([first, later], start=1):
            await bus.publish([envelope])
            await until_count(bus, "DEAD", number)
            await asyncio.sleep(0.3)
    _, letter = await dead_wires(bus)
    await DeadLetters(bus).discard(1)

    assert later.event.key == first.event.key
    assert (await bus.loaded(decode(letter.headers, letter.payload))).cargo[0].data == LARGE


async def test_an_event_that_cannot_be_decoded_becomes_a_dead_letter_and_the_others_stay_one_batch(bus: Bus) -> None:
    handler = Handler()
    await bus.publish([fetched(0), fetched(1)])
    await bus.publish_wires([Wire("mail.fetched.reports", {TYPE: "mail_eaten"}, b"one")])
    await bus.publish_wires([Wire("mail.fetched.reports", {"Nats-Expected-Stream": "MAIL"}, b"two")])
    await bus.publish([fetched(2)])
    async with running(bus, stage_of(handler, concurrency=1)):
        await until_count(bus, "MAIL", 0)

    assert handler.batches == [[0], [1, 2]]  # a stage starts with a single event
    assert sorted(letter.payload for letter in await dead_wires(bus)) == [b"one", b"two"]


async def test_a_full_stream_of_dead_letters_lets_its_oldest_go_and_stops_nothing(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(DEAD, replicas=1), max_msgs=1))
    handler = Handler(uid1=[Rejected(Reason.ENCRYPTED)], uid2=[Rejected(Reason.ENCRYPTED)])
    await bus.publish([fetched(1), fetched(2), fetched(3)])
    async with running(bus, stage_of(handler, concurrency=2, batch=1)):
        await until_count(bus, "EXTRACT", 1)
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "DEAD") == 1
