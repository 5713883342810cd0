"""The policies of a TLS report with their session counts and failure details (RFC 8460 sections 4.2 to 4.4)."""

from collections.abc import Iterable
from typing import Any

from parser.kinds import values
from parser.kinds.domains import noted_domain
from parser.kinds.ip import read_ip
from parser.kinds.notes import Notes
from parser.kinds.tls.json_text import Tree
from parser.kinds.words import TLS_POLICY_TYPE
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import TlsFailure, TlsPolicy
from pipeline.errors import Rejected


class PolicyReader:
    """Reads the list of policies; `raw` keeps, by path, what was written otherwise than it is given."""

    def __init__(self, notes: Notes, *, max_items: int) -> None:
        self.raw: dict[str, str] = {}
        self._notes = notes
        self._room = max_items

    def read(self, listed: Any) -> tuple[TlsPolicy, ...]:
        """All policies. Raises Rejected where they and their failure details are more than `max_items`."""
        policies = tuple(self._policy(item, f"policies/{i}") for i, item in enumerate(self._items(listed)))
        if not policies:
            self._notes.add(Repair.NO_POLICIES)
        return policies

    def _items(self, listed: Any) -> list[Tree]:
        """The objects of a list; a single object stands for a list of one."""
        if isinstance(listed, dict):
            self._notes.add(Repair.LIST_FORM)
            listed = [listed]
        if not isinstance(listed, list):
            return []
        objects = [item for item in listed if isinstance(item, dict)]
        if len(objects) != len(listed):
            self._notes.add(Repair.UNREADABLE_VALUE)
        self._room -= len(objects)
        if self._room < 0:
            raise Rejected(Reason.TOO_MANY_RECORDS)
        return objects

    def _policy(self, item: Tree, path: str) -> TlsPolicy:
        policy, summary = _object(item.get("policy")), _object(item.get("summary"))
        return TlsPolicy(
            policy_type=self._type(policy.get("policy-type"), f"{path}/policy-type"),
            policy_domain=self._domain(policy.get("policy-domain"), f"{path}/policy-domain"),
            policy_strings=self._strings(policy.get("policy-string"), Repair.POLICY_STRING_AS_TEXT),
            mx_hosts=self._strings(policy.get("mx-host"), None),
            successful_sessions=self._count(summary.get("total-successful-session-count"), f"{path}/successful"),
            failed_sessions=self._count(summary.get("total-failure-session-count"), f"{path}/failed"),
            failures=tuple(
                self._failure(detail, f"{path}/failure-details/{i}")
                for i, detail in enumerate(self._items(item.get("failure-details")))
            ),
        )

    def _failure(self, detail: Tree, path: str) -> TlsFailure:
        additional = detail.get("additional-information", detail.get("additional-info-uri"))
        return TlsFailure(
            result_type=self.text(detail.get("result-type")) or "",
            sending_mta_ip=self._address(detail.get("sending-mta-ip"), f"{path}/sending-mta-ip"),
            receiving_mx_hostname=self.text(detail.get("receiving-mx-hostname")),
            receiving_mx_helo=self.text(detail.get("receiving-mx-helo")),
            receiving_ip=self._address(detail.get("receiving-ip"), f"{path}/receiving-ip"),
            failed_session_count=self._count(detail.get("failed-session-count"), f"{path}/failed"),
            additional_information=self.text(additional),
            failure_reason_code=self.text(detail.get("failure-reason-code")),
        )

    def text(self, value: Any) -> str | None:
        """A text; a number counts as its digits, anything else as unreadable."""
        if value is None or isinstance(value, str):
            return self._notes.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= values.MAX_BIGINT:
            return str(value)
        self._notes.add(Repair.UNREADABLE_VALUE)
        return None

    def _type(self, value: Any, path: str) -> str:
        text = self.text(value) or ""
        word, repair = TLS_POLICY_TYPE.read(text)
        if repair is not None:
            repair = Repair.UNKNOWN_POLICY_TYPE if repair is Repair.REPLACED_WORD else repair
            self._notes.change(repair, where=path, sent=text, given=word or text.lower())
            self.raw[path] = text
        return word or text.lower()

    def _domain(self, value: Any, path: str) -> str | None:
        text = self.text(value)
        if text is None:
            self._notes.add(Repair.MISSING_POLICY_DOMAIN)
            return None
        domain = noted_domain(text, self._notes, where=path)
        if domain is None:
            raise Rejected(Reason.BAD_VALUE, f"the policy domain is no domain name: {text[:100]}")
        if domain != text:
            self.raw[path] = text
        return domain

    def _strings(self, value: Any, single: Repair | None) -> tuple[str, ...]:
        """A list of texts. RFC 8460 shows mx-host as a single text, which is no repair."""
        if isinstance(value, str):
            self._notes.add(single)
            value = value.splitlines()
        listed: Iterable[Any] = value if isinstance(value, list) else ()
        return tuple(text for text in map(self.text, listed) if text)

    def _address(self, value: Any, path: str) -> str | None:
        text = self.text(value)
        if text is None:
            return None
        address, repair = read_ip(text)
        if repair is not None:
            self._notes.change(repair, where=path, sent=text, given=address)
        if address != text:
            self.raw[path] = text
        return address

    def _count(self, value: Any, path: str) -> int:
        if value is None:
            self._notes.add(Repair.MISSING_SESSION_COUNT)
            return 0
        is_number = isinstance(value, int) and not isinstance(value, bool)
        text = str(value)[:100]
        try:
            count, repair = values.count(text)
        except (OverflowError, ValueError) as error:
            raise Rejected(Reason.BAD_VALUE, "a session count") from error
        if repair is Repair.COUNT_NOT_POSITIVE and not count:
            repair = None  # none failed, or none succeeded: as it should be
        if repair is None and not is_number:
            repair = Repair.COUNT_FORM
        if repair is not None:
            self._notes.change(repair, where=path, sent=text, given=count)
            self.raw[path] = text
        return count


def _object(value: Any) -> Tree:
    return value if isinstance(value, dict) else {}
