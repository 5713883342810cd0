import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dmarq.embedded import EmbeddedNats
from pipeline.adapters.bus import Bus
from pipeline.adapters.ensure import stream_config
from pipeline.breaker import BreakerPolicy
from pipeline.dead import autopsy
from pipeline.errors import Rejected, TryLater
from pipeline.events import MailDied
from pipeline.limits import MiB
from pipeline.reasons import Reason
from pipeline.runner import StageRunner
from pipeline.stage import Result
from pipeline.telemetry.health import Readiness
from pipeline.topology import DEAD, EXTRACT, EXTRACTOR, PARSER, RECORDER
from pipeline.wire import TYPE, Envelope, Wire, decode
from tests.integration.pipeline.conftest import bus_on
from tests.support.events import extracted, fetched, uid_of
from tests.support.stages import (
    QUICK,
    count,
    everything,
    impatient,
    running,
    stage_of,
    taken,
    until,
    until_count,
)

LARGE = b"x" * MiB


async def extract(envelopes: Sequence[Envelope]) -> Sequence[Result]:
    """A handler with whom all is well."""
    return [[extracted(envelope)] for envelope in envelopes]


class Handler:
    """Remembers what it was given; goes through `faults` of a UID, one each time, before all is well with it."""

    def __init__(self, **faults: Sequence[Exception]) -> None:
        self.batches: list[list[int]] = []
        self._faults = {int(uid.removeprefix("uid")): list(errors) for uid, errors in faults.items()}

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        uids = [uid_of(envelope.event) for envelope in envelopes]
        self.batches.append(uids)
        for uid in uids:
            if self._faults.get(uid):
                raise self._faults[uid].pop(0)
        return await extract(envelopes)

    @property
    def tries(self) -> Counter[int]:
        return Counter(uid for batch in self.batches for uid in batch)


async def dead_wires(bus: Bus) -> list[Wire]:
    found = []
    for sequence in range(1, (await bus.js.stream_info("DEAD")).state.last_seq + 1):
        raw = await bus.js.get_msg("DEAD", seq=sequence)
        found.append(Wire(raw.subject or "", dict(raw.headers or {}), raw.data or b""))
    return found


async def test_a_batch_is_handled_published_and_acknowledged(bus: Bus) -> None:
    handler = Handler()
    await bus.publish([fetched(uid) for uid in range(1, 31)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert sorted(uid_of(e.event) for e in await everything(bus, PARSER)) == list(range(1, 31))
    assert max(map(len, handler.batches)) == 10


async def test_results_are_stored_before_the_event_is_acknowledged(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(EXTRACT, replicas=1), max_msgs=1))
    await bus.publish([fetched(1), fetched(2)])
    async with running(bus, stage_of(extract)):
        await until_count(bus, "EXTRACT", 1)
        held = await count(bus, "MAIL")
        first = await everything(bus, PARSER)
        await until_count(bus, "MAIL", 0)

    assert held >= 1
    assert sorted(uid_of(e.event) for e in [*first, *await everything(bus, PARSER)]) == [1, 2]


async def test_a_bad_member_does_not_hold_up_the_others(bus: Bus) -> None:
    handler = Handler(uid3=[ValueError("no")] * 100)
    await bus.publish([fetched(uid) for uid in range(1, 9)])
    async with running(bus, stage_of(handler, concurrency=1)):
        await until_count(bus, "EXTRACT", 7)
        await until_count(bus, "MAIL", 0)

    assert sorted(uid_of(e.event) for e in await everything(bus, PARSER)) == [1, 2, 4, 5, 6, 7, 8]


async def test_a_refused_member_becomes_a_dead_letter_with_its_bytes_and_the_ledger_hears_of_it(bus: Bus) -> None:
    async def refuse(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [Rejected(Reason.ENCRYPTED, "päss\nword") if uid_of(e.event) == 2 else [] for e in envelopes]

    await bus.publish([fetched(1), fetched(2, b"the bytes"), fetched(3)])
    async with running(bus, stage_of(refuse)):
        await until_count(bus, "MAIL", 0)
    (letter,) = await dead_wires(bus)
    (died,) = await everything(bus, RECORDER)
    history = autopsy(letter.headers)

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


async def test_a_bug_is_tried_again_some_times_and_then_dead(bus: Bus) -> None:
    handler = Handler(uid1=[KeyError("x")] * 100)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "DEAD", 1)
        await until_count(bus, "MAIL", 0)
    (letter,) = await dead_wires(bus)

    assert handler.tries == {1: len(QUICK.bug_delays) + 1}
    assert autopsy(letter.headers).detail.startswith("KeyError: 'x' < test_stage.py")


async def test_a_bug_that_passes_leaves_no_dead_letter(bus: Bus) -> None:
    handler = Handler(uid1=[KeyError("x")])
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "EXTRACT") == 1
    assert await count(bus, "DEAD") == 0


async def test_redeliveries_for_other_causes_do_not_count_as_bugs(bus: Bus) -> None:
    consumer = impatient(EXTRACTOR, 0.2)
    await bus.publish([fetched(1)])
    for _ in range(4):  # processes that took it and went away
        subscription, events = await taken(bus, consumer)
        assert len(events) == 1
        await subscription.close()
    handler = Handler(uid1=[KeyError("x")])
    async with running(bus, stage_of(handler, consumer=consumer)):
        await until_count(bus, "MAIL", 0)

    assert handler.tries == {1: 2}
    assert await count(bus, "DEAD") == 0


async def test_a_handler_that_gives_too_few_results_acknowledges_nothing(bus: Bus) -> None:
    async def forgetful(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return []

    await bus.publish([fetched(1)])
    async with running(bus, stage_of(forgetful)):
        await until_count(bus, "DEAD", 1)
        await until_count(bus, "MAIL", 0)


async def test_an_event_waits_in_hand_for_a_dependency_as_long_as_it_takes(bus: Bus) -> None:
    tries = 10 * QUICK.max_deliveries
    handler = Handler(uid1=[TryLater("postgres", "away")] * tries)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)
    (found,) = await everything(bus, PARSER)

    assert uid_of(found.event) == 1
    assert handler.tries == {1: tries + 1}
    assert await count(bus, "DEAD") == 0


async def test_a_group_of_waits_is_a_wait_and_no_bug(bus: Bus) -> None:
    handler = Handler(uid1=[ExceptionGroup("both", [TryLater("imap"), TryLater("imap")])] * 20)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "EXTRACT") == 1


async def test_an_event_that_always_ends_the_process_is_dead_in_the_end(bus: Bus) -> None:
    consumer = impatient(EXTRACTOR, 0.1)
    await bus.publish([fetched(1)])
    for _ in range(QUICK.max_deliveries):
        subscription, events = await taken(bus, consumer)
        assert len(events) == 1
        await subscription.close()
    handler = Handler()
    async with running(bus, stage_of(handler, consumer=consumer)):
        await until_count(bus, "MAIL", 0)
    (letter,) = await dead_wires(bus)

    assert handler.tries == {}
    assert autopsy(letter.headers).reason == Reason.CRASH_LOOP


async def test_an_event_handed_out_often_is_handled_by_itself(bus: Bus) -> None:
    consumer = impatient(EXTRACTOR, 0.1)
    await bus.publish([fetched(1)])
    for _ in range(QUICK.alone_after):
        subscription, events = await taken(bus, consumer)
        assert len(events) == 1
        await subscription.close()
    await asyncio.sleep(0.2)
    await bus.publish([fetched(2), fetched(3), fetched(4)])
    handler = Handler()
    async with running(bus, stage_of(handler, consumer=consumer, concurrency=1)):
        await until_count(bus, "MAIL", 0)

    assert sorted(handler.batches) == [[1], [2], [3, 4]]


async def test_events_that_end_the_process_take_no_others_with_them(bus: Bus, broker: EmbeddedNats) -> None:
    """A process that dies is played by a runner that is cancelled, and whose connection ends: it settles nothing."""
    consumer = impatient(EXTRACTOR, 0.5)
    killers = {3, 7}
    died = asyncio.Event()
    handler = Handler()

    async def fragile(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        if killers & {uid_of(envelope.event) for envelope in envelopes}:
            died.set()
            await asyncio.Event().wait()
        return await handler(envelopes)

    async def lives() -> None:
        died.clear()
        async with bus_on(broker.url) as own:
            process = asyncio.create_task(StageRunner(own, stage_of(fragile, consumer=consumer), asyncio.Event()).run())
            await asyncio.wait(
                [asyncio.create_task(died.wait()), asyncio.create_task(until_count(bus, "MAIL", 0))],
                return_when="FIRST_COMPLETED",
            )
            process.cancel()
            await asyncio.gather(process, return_exceptions=True)

    await bus.publish([fetched(uid) for uid in range(20)])
    while await count(bus, "MAIL"):
        await lives()

    letters = [decode(letter.headers, letter.payload).event for letter in await dead_wires(bus)]
    assert sorted(uid_of(event) for event in letters) == sorted(killers)
    assert set(handler.tries) == set(range(20)) - killers


async def test_heartbeats_keep_the_events_of_a_slow_handler(bus: Bus) -> None:
    consumer = impatient(EXTRACTOR, 0.5)
    handler = Handler()

    async def slow(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        await asyncio.sleep(2.0)
        return await handler(envelopes)

    await bus.publish([fetched(1), fetched(2)])
    async with running(bus, stage_of(slow, consumer=consumer)):
        await until_count(bus, "MAIL", 0)

    assert handler.tries == {1: 1, 2: 1}


async def test_a_heartbeat_does_not_undo_the_delay_of_an_event_given_back(bus: Bus) -> None:
    consumer = impatient(EXTRACTOR, 0.3)
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def handler(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        if uid_of(envelopes[0].event) == 2:
            await asyncio.sleep(1.0)  # beats go on for the batch while event 1 is already given back
        elif not times:
            times.append(loop.time())
            raise KeyError("x")
        elif len(envelopes) > 1:
            raise KeyError("x")
        else:
            times.append(loop.time())
        return [[] for _ in envelopes]

    await bus.publish([fetched(1), fetched(2)])
    policy = replace(QUICK, bug_delays=(0.6, 0.6, 0.6))
    async with running(bus, replace(stage_of(handler, consumer=consumer, concurrency=1), policy=policy)):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "DEAD") == 0


async def test_a_stop_finishes_what_is_in_hand(bus: Bus) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def held(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        started.set()
        await go_on.wait()
        return await extract(envelopes)

    await bus.publish([fetched(1)])
    async with running(bus, stage_of(held)) as stopping:
        await started.wait()
        stopping.set()
        go_on.set()

    assert await count(bus, "EXTRACT") == 1
    await until_count(bus, "MAIL", 0)


async def test_a_stop_gives_back_what_waits_for_a_dependency(bus: Bus) -> None:
    handler = Handler(uid1=[TryLater("postgres")] * 10_000)
    await bus.publish([fetched(1)])
    async with running(bus, stage_of(handler)):
        await until(lambda: handler.tries[1] > 2)

    assert [uid_of(e.event) for e in await everything(bus, EXTRACTOR)] == [1]


async def test_a_stop_while_events_arrive_loses_none(bus: Bus) -> None:
    stage = stage_of(extract, consumer=impatient(EXTRACTOR, 0.5))
    for uid in range(1, 6):
        async with running(bus, stage):
            await bus.publish([fetched(uid)])
    async with running(bus, stage):
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "EXTRACT") == 5


async def test_large_mails_are_handled_in_portions_that_fit_into_memory(bus: Bus) -> None:
    handler = Handler()
    await bus.publish([fetched(uid, LARGE) for uid in range(7)])
    async with running(bus, replace(stage_of(handler, concurrency=1), batch_bytes=2 * MiB)):
        await until_count(bus, "MAIL", 0)

    assert handler.batches == [[0], [1, 2], [3, 4], [5, 6]]


async def test_released_bytes_are_gone_when_the_last_event_about_them_is_done(bus: Bus) -> None:
    async def done(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [[] for _ in envelopes]

    await bus.publish([fetched(1, LARGE)])
    async with running(bus, stage_of(extract)), running(bus, stage_of(done, consumer=PARSER)):
        await until_count(bus, "MAIL", 0)
        await until_count(bus, "EXTRACT", 0)
        await until_count(bus, "OBJ_blob", 1)  # the note that it was deleted


async def test_the_work_goes_on_when_the_consumer_was_deleted(bus: Bus) -> None:
    async with running(bus, stage_of(extract)):
        await bus.publish([fetched(1)])
        await until_count(bus, "EXTRACT", 1)
        await bus.js.delete_consumer("MAIL", "extractor")
        await bus.publish([fetched(2)])
        await until_count(bus, "EXTRACT", 2)


async def test_a_full_stream_of_dead_letters_keeps_the_event_until_there_is_room(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(DEAD, replicas=1), max_msgs=1))
    handler = Handler(uid1=[Rejected(Reason.ENCRYPTED)], uid2=[Rejected(Reason.ENCRYPTED)])
    await bus.publish([fetched(1), fetched(2), fetched(3)])
    async with running(bus, stage_of(handler, concurrency=2, batch=1)):
        await until_count(bus, "EXTRACT", 1)
        await until_count(bus, "MAIL", 1)
        await bus.js.purge_stream("DEAD")
        await until_count(bus, "MAIL", 0)

    assert await count(bus, "DEAD") == 1


async def test_event_after_event_that_dies_of_a_bug_stops_the_stage_and_says_so(bus: Bus) -> None:
    async def broken(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        raise KeyError("x")

    readiness = Readiness()
    policy = replace(QUICK, bug_delays=())
    breaker = BreakerPolicy(run=5, window=10, pauses=(3600.0,))
    stage = replace(stage_of(broken, batch=1, concurrency=1), policy=policy, breaker=breaker)
    await bus.publish([fetched(uid) for uid in range(1, 51)])
    async with running(bus, stage, readiness=readiness):
        await until(lambda: bool(readiness.missing))

    assert "see the dead letters" in readiness.missing["stage extractor"]
    assert (await count(bus, "DEAD"), await count(bus, "MAIL")) == (5, 45)


async def test_the_stage_goes_on_by_itself_when_events_are_well_again(bus: Bus) -> None:
    handler = Handler(**{f"uid{uid}": [KeyError("x")] for uid in range(1, 8)})
    readiness = Readiness()
    stage = replace(
        stage_of(handler, batch=1, concurrency=1),
        policy=replace(QUICK, bug_delays=()),
        breaker=BreakerPolicy(run=5, window=10, pauses=(0.1,)),
    )
    await bus.publish([fetched(uid) for uid in range(1, 21)])
    async with running(bus, stage, readiness=readiness):
        await until_count(bus, "MAIL", 0)
        await until(lambda: not readiness.missing)

    assert (await count(bus, "DEAD"), await count(bus, "EXTRACT")) == (7, 13)


async def test_refused_mails_never_stop_the_stage(bus: Bus) -> None:
    async def refuse(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return [Rejected(Reason.NOT_WELL_FORMED) for _ in envelopes]

    stage = replace(stage_of(refuse), breaker=BreakerPolicy(run=5, window=10, pauses=(3600.0,)))
    await bus.publish([fetched(uid) for uid in range(1, 51)])
    async with running(bus, stage):
        await until_count(bus, "DEAD", 50)
