"""One record of an aggregate report, from its texts to a row. This is where the time goes: two million may come.

The fast path of a word is one look-up; whatever is not canonical takes the slow one, which keeps the raw word and
notes the repair. Results and domains repeat from record to record, so each is made only once.
"""

import re
from typing import Final

from parser.kinds import values
from parser.kinds.aggregate.texts import ReasonTexts, RecordTexts, ResultTexts
from parser.kinds.domains import noted_domain, read_domain
from parser.kinds.ip import read_ip
from parser.kinds.notes import Notes
from parser.kinds.words import ALIGNED, DISPOSITION, DKIM_RESULT, REASON_TYPE, SPF_RESULT, SPF_SCOPE, Vocabulary
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import DkimResult, OverrideReason, Record, SpfResult
from pipeline.errors import Rejected

_CACHE_SIZE: Final = 5000
_ADDRESS: Final = re.compile(r"[^\s@<>()\"]+@[^\s@<>()\"]+")

Raw = dict[str, str]


class RecordReader:
    """Turns records into rows; its caches live as long as one report is read."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._dkim: dict[ResultTexts, DkimResult] = {}
        self._spf: dict[ResultTexts, SpfResult] = {}
        self._domains: dict[str, str] = {}
        self._number = 0

    def read(self, texts: RecordTexts) -> tuple[Record | None, int]:
        """The row (None for an empty record, which is left out) and the number of mails that the record counts.

        Raises Rejected for a count above 2^63-1.
        """
        self._number += 1
        raw: Raw = {}
        source_ip = self._source_ip(texts.source_ip or "", raw)
        count = self._count(texts.count or "", raw)
        reasons = tuple([self._reason(reason, raw, index) for index, reason in enumerate(texts.reasons)])
        disposition, dkim, spf = self._evaluated(texts, raw)
        row_values = (
            source_ip,
            count,
            disposition,
            dkim,
            spf,
            reasons,
            self._header_from(texts, raw),
            self._envelope(texts.envelope_from, raw, "identifiers/envelope_from") if texts.envelope_from else None,
            self._envelope(texts.envelope_to, raw, "identifiers/envelope_to") if texts.envelope_to else None,
            tuple([self._dkim.get(t) or self._dkim_result(t, raw, i) for i, t in enumerate(texts.dkim_results)]),
            tuple([self._spf.get(t) or self._spf_result(t, raw, i) for i, t in enumerate(texts.spf_results)]),
            raw or None,
        )
        if source_ip is None and count == 0:
            self._notes.add(Repair.EMPTY_RECORD)
            return None, 0
        return Record._make(row_values), count

    def _source_ip(self, text: str, raw: Raw) -> str | None:
        source_ip, repair = read_ip(text)
        if source_ip != text and text.strip():
            self._keep(raw, "row/source_ip", text)
        if repair is not None:
            self._note(repair, "row/source_ip", text, source_ip)
        return source_ip

    def _count(self, text: str, raw: Raw) -> int:
        try:
            count, repair = values.count(text)
        except OverflowError as error:
            raise Rejected(Reason.BAD_VALUE, f"a count of {error}") from error
        if repair is not None:
            self._note(repair, "row/count", text, count)
            self._keep(raw, "row/count", text)
        return count

    def _evaluated(self, texts: RecordTexts, raw: Raw) -> tuple[str | None, str | None, str | None]:
        if not texts.is_evaluated:
            return None, None, None
        return (
            self._word(DISPOSITION, texts.disposition or "", raw, "policy_evaluated/disposition"),
            self._word(ALIGNED, texts.dkim or "", raw, "policy_evaluated/dkim"),
            self._word(ALIGNED, texts.spf or "", raw, "policy_evaluated/spf"),
        )

    def _reason(self, reason: ReasonTexts, raw: Raw, index: int) -> OverrideReason:
        path = f"policy_evaluated/reason/{index}"
        if reason.language is not None:
            self._keep(raw, f"{path}/comment/@lang", reason.language)
        kind = self._word(REASON_TYPE, reason.type, raw, f"{path}/type")
        return OverrideReason(kind or "other", self._notes.text(reason.comment))

    def _header_from(self, texts: RecordTexts, raw: Raw) -> str | None:
        header_from = self._domain(texts.header_from, raw, "identifiers/header_from")
        if header_from is None and texts.is_identified and not (texts.header_from or "").strip(". \t\r\n"):
            self._notes.add(Repair.MISSING_HEADER_FROM)
        return header_from

    def _dkim_result(self, texts: ResultTexts, raw: Raw, index: int) -> DkimResult:
        path = f"auth_results/dkim/{index}"
        domain, selector, _, word, human, language = texts
        own: Raw = {} if language is None else {f"{path}/human_result/@lang": language}
        result = DkimResult(
            self._domain(domain, own, path + "/domain"),
            self._notes.text(selector),
            self._word(DKIM_RESULT, word or "", own, path + "/result") or "other",
            self._notes.text(human),
        )
        if not own and len(self._dkim) < _CACHE_SIZE:
            self._dkim[texts] = result
        raw.update(own)
        return result

    def _spf_result(self, texts: ResultTexts, raw: Raw, index: int) -> SpfResult:
        path = f"auth_results/spf/{index}"
        domain, _, scope, word, human, language = texts
        own: Raw = {} if language is None else {f"{path}/human_result/@lang": language}
        result = SpfResult(
            self._domain(domain, own, path + "/domain"),
            self._word(SPF_SCOPE, scope, own, path + "/scope") if scope and scope.strip() else None,
            self._word(SPF_RESULT, word or "", own, path + "/result") or "other",
            self._notes.text(human),
        )
        if not own and len(self._spf) < _CACHE_SIZE:
            self._spf[texts] = result
        raw.update(own)
        return result

    def _word(self, vocabulary: Vocabulary, text: str, raw: Raw, path: str) -> str | None:
        word = vocabulary.known.get(text)
        if word is not None:
            return word
        word, repair = vocabulary.read(text)
        if repair is not None:
            self._note(repair, path, text, word)
            if word is not None or text.strip():
                self._keep(raw, path, text)
        return word

    def _domain(self, text: str | None, raw: Raw, path: str) -> str | None:
        if text is None:
            return None
        known = self._domains.get(text)
        if known is not None:
            return known
        domain = noted_domain(text, self._notes, where=f"record/{self._number}/{path}")
        if domain == text and len(self._domains) < _CACHE_SIZE:
            self._domains[text] = text
        if domain != (text.strip() or None):
            self._keep(raw, path, text)
        return domain

    def _envelope(self, text: str, raw: Raw, path: str) -> str | None:
        """The domain of an envelope address; the whole address there (it is in `raw` then) is no repair."""
        if "@" not in text or not _ADDRESS.fullmatch(text.strip()):
            return self._domain(text, raw, path)
        domain = read_domain(text)[0]
        if domain is None:
            return self._domain(text, raw, path)
        self._keep(raw, path, text)
        return domain

    def _note(self, repair: Repair, path: str, sent: str, given: object) -> None:
        self._notes.change(repair, where=f"record/{self._number}/{path}", sent=sent, given=given)

    def _keep(self, raw: Raw, path: str, text: str) -> None:
        raw[path] = self._notes.text(text) or ""
