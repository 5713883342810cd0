"""Servers that answer a command oddly, in one way at a time or in two: each email is fetched once and moved once."""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import cast

import pytest

from fetcher.acting import jobs
from pipeline.contracts.mail_events import ActResult, MailFetched
from pipeline.contracts.mailbox import Action
from pipeline.jetstream.bus import Bus
from tests.support.client import put_mailbox
from tests.support.fetching import acted, command, fetching, until_fetched
from tests.support.odd_mailbox import BODY, OK, OddFolder, OddMailbox
from tests.support.scripted_folder import scripted_mailbox
from tests.support.scripted_imap import Answer, Step, scripted_imap

PLAIN = "IMAP4rev1"
MOVING = "IMAP4rev1 MOVE UIDPLUS"
MOST_COMMANDS = 400  # an action that is tried again takes seconds with looks in them; a loop would take thousands

Change = Callable[[Callable[[str], Step]], Callable[[str], Step]]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(jobs, "GROWTH", 1.0)


def rewritten(pattern: bytes, by: bytes | Callable[[re.Match[bytes]], bytes], *, count: int = 0) -> Change:
    """What matches in the answer is written otherwise."""
    return lambda answer: lambda sent: re.sub(pattern, by, _joined(answer(sent)), count=count)


def with_first(line: bytes) -> Change:
    """A line before the answer."""
    return lambda answer: lambda sent: line + _joined(answer(sent))


def at_first(refusal: Step, *, times: int = 2) -> Change:
    """Refused the first times."""

    def changed(answer: Callable[[str], Step]) -> Callable[[str], Step]:
        left = [refusal] * times
        return lambda sent: left.pop() if left else _joined(answer(sent))

    return changed


def cut_short(*, times: int) -> Change:
    """It is done, and the server hangs up before it says so, the first times."""

    def changed(answer: Callable[[str], Step]) -> Callable[[str], Step]:
        left = [b"* BYE bye\r\n(hang up)"] * times

        def told(sent: str) -> Step:
            done = _joined(answer(sent))
            return left.pop() if left else done

        return told

    return changed


def _joined(told: object) -> bytes:
    assert isinstance(told, bytes)
    return told


def answers(odd: OddMailbox, changes: Mapping[str, Change]) -> dict[str, Answer]:
    told = dict(odd.answers())
    for name, change in changes.items():
        answer = told.get(name, lambda _: OK)
        assert callable(answer)
        told[name] = change(cast(Callable[[str], Step], answer))
    return told


ODD: dict[str, tuple[str, dict[str, Change]]] = {
    "two blanks": (MOVING, {"SELECT": rewritten(rb"\* ", b"*  "), "UID SEARCH": rewritten(rb"SEARCH ", b"SEARCH  ")}),
    "small letters": (
        MOVING,
        {
            "UID SEARCH": rewritten(rb"SEARCH", b"search"),
            "UID FETCH": rewritten(rb"FETCH \(UID", b"fetch (uid"),
            "SELECT": rewritten(rb"EXISTS|UIDVALIDITY", lambda m: m[0].lower()),
        },
    ),
    "untagged NO and BAD": (
        MOVING,
        {
            name: with_first(b"* NO disk is nearly full\r\n* BAD hello\r\n* OK [ALERT] mind\r\n")
            for name in ("SELECT", "UID SEARCH", "UID FETCH", "UID MOVE", "STATUS", "LIST")
        },
    ),
    "no UIDNEXT": (MOVING, {"SELECT": rewritten(rb"\* OK \[UIDNEXT \d+\] ok\r\n", b"")}),
    "UIDNEXT 0": (MOVING, {"SELECT": rewritten(rb"UIDNEXT \d+", b"UIDNEXT 0")}),
    "no permanent flags": (MOVING, {"SELECT": with_first(b"* OK [PERMANENTFLAGS ()] none\r\n")}),
    "no UIDPLUS": ("IMAP4rev1 MOVE", {}),
    "no MOVE": ("IMAP4rev1 UIDPLUS", {}),
    "no MOVE, dates that are NIL": (
        "IMAP4rev1 UIDPLUS",
        {"UID FETCH": rewritten(rb'INTERNALDATE "[^"]*"', b"INTERNALDATE NIL")},
    ),
    "FLAGS NIL": (MOVING, {"UID FETCH": rewritten(rb"FLAGS \(\)", b"FLAGS NIL")}),
    "no RFC822.SIZE": (MOVING, {"UID FETCH": rewritten(rb"RFC822.SIZE \d+ ", b"")}),
    "RFC822.SIZE 0": (MOVING, {"UID FETCH": rewritten(rb"RFC822.SIZE \d+", b"RFC822.SIZE 0")}),
    "RFC822.SIZE NIL": (MOVING, {"UID FETCH": rewritten(rb"RFC822.SIZE \d+", b"RFC822.SIZE NIL")}),
    "UID behind the body": (
        MOVING,
        {"UID FETCH": rewritten(rb"(?s)FETCH \((UID \d+) (BODY\[\]<0> \{\d+\}\r\n.*?words\r\n)\)", rb"FETCH (\2 \1)")},
    ),
    "body without its origin": (MOVING, {"UID FETCH": rewritten(rb"BODY\[\]<0>", b"BODY[]")}),
    "every line twice": (
        MOVING,
        {
            "UID SEARCH": rewritten(rb"(\* SEARCH[^\r]*\r\n)", rb"\1\1"),
            "UID FETCH": rewritten(rb"(\* 1 FETCH \(UID \d+ RFC[^\r]*\r\n)", rb"\1\1"),
        },
    ),
    "flags that nobody asked for": (
        MOVING,
        {
            name: with_first(b"* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n* 2 FETCH (UID 2 FLAGS ())\r\n* 3 RECENT\r\n")
            for name in ("UID FETCH", "UID SEARCH", "UID MOVE")
        },
    ),
    "an empty SEARCH line more": (MOVING, {"UID SEARCH": with_first(b"* SEARCH\r\n")}),
    "a SEARCH that ends in blanks": (MOVING, {"UID SEARCH": rewritten(rb"(SEARCH[^\r]*)\r\n", b"\\1 \r\n")}),
    "a SEARCH in no order": (MOVING, {"UID SEARCH": rewritten(rb"SEARCH 1 2 3\r\n", b"SEARCH 3 1 2 2 3\r\n")}),
    "a SEARCH line with MODSEQ": (
        MOVING + " CONDSTORE",
        {"UID SEARCH": rewritten(rb"(SEARCH \d[^\r]*)\r\n", b"\\1 (MODSEQ 917162500)\r\n")},
    ),
    "extensions that lie": (
        MOVING + " ENABLE CONDSTORE QRESYNC UTF8=ACCEPT LITERAL+ LITERAL- SASL-IR ESEARCH LIST-EXTENDED LIST-STATUS",
        {
            "ENABLE": lambda _: lambda _: b"{tag} BAD unknown command\r\n",
            "UID SEARCH": lambda answer: (
                lambda sent: b"{tag} BAD no RETURN\r\n" if "RETURN" in sent else _joined(answer(sent))
            ),
            "LIST": lambda answer: (
                lambda sent: b"{tag} BAD no RETURN\r\n" if "RETURN" in sent else _joined(answer(sent))
            ),
        },
    ),
    "no delimiter": (MOVING, {"LIST": rewritten(rb'\(\) "\."', b"() NIL")}),
    "names without quotes": (MOVING, {"LIST": rewritten(rb'"\." "([^"]*)"', rb'"." \1')}),
    "expunges in between": (
        MOVING,
        {"UID MOVE": rewritten(rb"\{tag\} OK", b"* 1 EXPUNGE\r\n* 0 EXISTS\r\n{tag} OK [COPYUID 1 1 1]")},
    ),
    "COPYUID that means nothing": (MOVING, {"UID MOVE": rewritten(rb"OK done", b"OK [COPYUID 0 * ] done")}),
    "FETCH is not available": (MOVING, {"UID FETCH": at_first(b"{tag} NO [UNAVAILABLE] later\r\n")}),
    "FETCH says goodbye": (
        MOVING,
        {"UID FETCH": at_first(b"* 1 FETCH (UID 1 RFC8\r\n* BYE bye\r\n(hang up)", times=1)},
    ),
    "MOVE is over quota": (MOVING, {"UID MOVE": at_first(b"{tag} NO [OVERQUOTA] full\r\n", times=3)}),
    "MOVE says goodbye before": (MOVING, {"UID MOVE": at_first(b"* BYE bye\r\n(hang up)", times=1)}),
    "MOVE says goodbye afterwards": (MOVING, {"UID MOVE": cut_short(times=1)}),
    "EXPUNGE hangs up": ("IMAP4rev1 UIDPLUS", {"UID EXPUNGE": at_first(b"(hang up)", times=1)}),
    "an untagged line of IDLE words": (MOVING, {"UID FETCH": with_first(b"* OK Still here\r\n")}),
    "stray continuation": (MOVING, {"UID SEARCH": with_first(b"+ go on\r\n")}),
    "EXISTS in every answer": (
        MOVING,
        {name: with_first(b"* 3 EXISTS\r\n") for name in ("UID FETCH", "UID SEARCH", "STATUS")},
    ),
}


@pytest.mark.parametrize("name", ODD)
async def test_each_email_is_fetched_once_and_moved_once(bus: Bus, name: str) -> None:
    capabilities, changes = ODD[name]
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)})
    odd.folders["INBOX"].deliver(*[BODY % number for number in range(3)])
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(scripted_imap(answers(odd, changes), capabilities=capabilities))
        await put_mailbox(bus, scripted_mailbox(server.port))
        await stack.enter_async_context(fetching(bus))
        mails = await until_fetched(bus, 3)
        events = await acted(bus, *[command(mail, Action.MOVE, folder="Done") for mail in mails])
        await asyncio.sleep(0.4)  # some looks more
        fetched = await until_fetched(bus, 3)
        sent = len(server.commands())

    assert {mail.mail.uid for mail in fetched} == {1, 2, 3}
    assert all(isinstance(mail, MailFetched) and mail.refused is None for mail in fetched)
    assert {event.result for event in events} == {ActResult.DONE}
    assert sorted(odd.folders["Done"].mails.values()) == [BODY % number for number in range(3)]
    assert sent < MOST_COMMANDS
