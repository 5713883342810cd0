"""Mail over SMTP: text, and HTML beside it where there is some. Its Message-ID follows from the key: a repeat has the
same one."""

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from time import monotonic
from typing import IO

from notifier.delivery import Outcome
from notifier.message import Message
from pipeline.contracts.limits import KiB
from pipeline.notifications.channels import EmailServer

TIMEOUT = 15.0  # seconds for each step
MAX_REPLY_BYTES = 64 * KiB  # all that a server says in one connection, before TLS and behind it
MAX_REPLIES_S = 120.0


def mail_of(server: EmailServer, message: Message, at: datetime) -> EmailMessage:
    """The mail, whose bytes are the same with each repeat."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.title.split())[:200]
    mail["From"] = f"DMARQ <{server.sender}>"
    mail["To"] = ", ".join(server.recipients)
    mail["Date"] = format_datetime(at)
    digest = sha256(message.key.encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail["X-DMARQ-Key"] = message.key
    mail.set_content(message.text + "\n")
    if message.html:
        mail.add_alternative(message.html, subtype="html")
        mail.set_boundary(f"dmarq-{digest}")
    return mail


def send(server: EmailServer, password: str, message: Message, at: datetime) -> Outcome:
    """How it ended. Blocks for up to some times `TIMEOUT`: to be called in a thread."""
    try:
        with _connected(server) as connection:
            if server.username:
                connection.login(server.username, password)
            refused = connection.send_message(mail_of(server, message, at))
    except (smtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
        return Outcome(False, _words(error))
    taken = len(server.recipients) - len(refused)
    return Outcome(True, f"taken by {server.host} for {taken} of {len(server.recipients)} recipients")


class _Replies:
    """What a server says, a line at a time, as smtplib reads it; a server that never ends is left."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_REPLY_BYTES
        self._until = monotonic() + MAX_REPLIES_S

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0 or monotonic() > self._until:
            raise OSError("the server does not stop talking")
        return line

    def close(self) -> None:
        self._file.close()


class _Bounded(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock.makefile("rb"))
        return super().getreply()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass


def _connected(server: EmailServer) -> smtplib.SMTP:
    if server.security == "tls":
        return _BoundedTls(server.host, server.port, timeout=TIMEOUT, context=ssl.create_default_context())
    connection = _Bounded(server.host, server.port, timeout=TIMEOUT)
    if server.security == "starttls":
        try:
            connection.starttls(context=ssl.create_default_context())
        except BaseException:
            connection.close()
            raise
    return connection


def _words(error: Exception) -> str:
    """What the server said, on one line."""
    texts: dict[type[Exception], Callable[[Exception], str]] = {
        smtplib.SMTPAuthenticationError: lambda _: "the server refuses the user name or the password",
        smtplib.SMTPRecipientsRefused: lambda _: "the server refuses all recipients",
        smtplib.SMTPNotSupportedError: lambda e: str(e),
        ssl.SSLCertVerificationError: lambda _: "the server's certificate is not trusted",
    }
    for kind, words in texts.items():
        if isinstance(error, kind):
            return words(error)
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return " ".join(f"{error.smtp_code} {said}".split())[:200]
    return f"no connection: {getattr(error, 'strerror', None) or type(error).__name__}"
