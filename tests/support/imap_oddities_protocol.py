"""Oddities of real servers, as switches for the scripted server: what each says, in place of what the standard asks."""

from collections.abc import Callable, Mapping

from tests.support.scripted_imap import Answer, Step

DONE = b"{tag} OK done\r\n"
BAD = b"{tag} BAD Error in IMAP command\r\n"
INBOX = b'* LIST () "/" INBOX\r\n'
COUNTS = b"(MESSAGES 3 UNSEEN 1 UIDVALIDITY 7 UIDNEXT 4)"


def refusing(*words: str, otherwise: Step, said: bytes = BAD) -> Callable[[str], Step]:
    """An answer to a command that is refused as soon as one of the words is in it."""
    return lambda command: said if any(word in command for word in words) else otherwise


def listing(*lines: bytes) -> Step:
    """LIST with these lines, each what follows `* LIST `."""
    return b"".join(b"* LIST " + line + b"\r\n" for line in lines) + DONE


def only(wire: bytes, opened: Step) -> Callable[[str], Step]:
    """A folder that the server knows by exactly these bytes, quoted."""
    quoted = b'"' + wire + b'"'
    return lambda command: opened if quoted in command.encode() else b"{tag} NO no such folder\r\n"


def one_folder(wire: bytes) -> Mapping[str, Answer]:
    """A server with INBOX and one folder more, whose name it writes, and understands, as these bytes only."""
    opened = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK [READ-WRITE] opened\r\n"
    return {
        "LIST": listing(b'() "/" INBOX', b'() "/" "' + wire + b'"'),
        "STATUS": only(wire, b'* STATUS "' + wire + b'" ' + COUNTS + b"\r\n" + DONE),
        "SELECT": only(wire, opened),
    }
