"""One record of an aggregate report, from its texts to a row. This is where the time goes: two million may come.

The fast path of a word is one look-up; whatever is not canonical takes the slow one, which keeps the raw word and
notes the repair. Results and domains repeat from record to record, so one that needed no repair is made only once.
"""

import re
from typing import Final, NamedTuple

from lxml import etree

from parser.kinds import values
from parser.kinds.aggregate.elements import Elements, language_of, text_of
from parser.kinds.domains import read_domain
from parser.kinds.ip import read_ip
from parser.kinds.notes import Notes
from parser.kinds.words import ALIGNED, DISPOSITION, DKIM_RESULT, REASON_TYPE, SPF_RESULT, SPF_SCOPE, Vocabulary
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import DkimResult, OverrideReason, Record, SpfResult
from pipeline.errors import Rejected

MAX_RESULTS = 1000  # RFC 9990 suggests 100 a record
_OF_A_ROW = frozenset({"source_ip", "count"})


# A DKIM or SPF result: domain, selector, scope, result, human_result and the language of that, where not English.
ResultTexts = tuple[str | None, ...]


class ReasonTexts(NamedTuple):
    """An override reason; `language` is that of the comment, where it is not English."""

    type: str
    comment: str
    language: str | None


class RecordTexts(NamedTuple):
    """A record; what is not there is None. `is_evaluated` and `is_identified`: whether those sections are there."""

    source_ip: str | None
    count: str | None  # type: ignore[assignment]  # hides tuple.count, which nothing needs
    is_evaluated: bool
    disposition: str | None
    dkim: str | None
    spf: str | None
    reasons: tuple[ReasonTexts, ...]
    is_identified: bool
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    dkim_results: tuple[ResultTexts, ...]
    spf_results: tuple[ResultTexts, ...]


class RecordTextsReader:
    """Finds the texts, whatever stands beside and between them; notes what is missing, repeated or unknown."""

    def __init__(self, elements: Elements, notes: Notes) -> None:
        self._elements = elements
        self._notes = notes

    def read(self, record: etree._Element) -> RecordTexts:
        """The texts of a record. Raises Rejected for more results than any honest record has."""
        sections = self._elements.sections(record)
        row = self._children(sections.get("row"))
        self._check_not_elsewhere(_OF_A_ROW - row.keys(), record)
        evaluated, reasons = self._policy_evaluated(row.get("policy_evaluated"))
        identifiers = sections.get("identifiers")
        named = {} if identifiers is None else self._elements.texts(identifiers)
        if identifiers is None:
            self._notes.add(Repair.MISSING_IDENTIFIERS)
        dkim_results, spf_results = self._auth_results(sections.get("auth_results"))
        return RecordTexts(
            source_ip=_text(row.get("source_ip")),
            count=_text(row.get("count")),
            is_evaluated="policy_evaluated" in row,
            disposition=_text(evaluated.get("disposition")),
            dkim=_text(evaluated.get("dkim")),
            spf=_text(evaluated.get("spf")),
            reasons=reasons,
            is_identified=identifiers is not None,
            header_from=named.get("header_from"),
            envelope_from=named.get("envelope_from"),
            envelope_to=named.get("envelope_to"),
            dkim_results=dkim_results,
            spf_results=spf_results,
        )

    def _children(self, element: etree._Element | None) -> dict[str, etree._Element]:
        return {} if element is None else self._elements.children(element)

    def _check_not_elsewhere(self, missing: frozenset[str], record: etree._Element) -> None:
        """Raises Rejected where what is missing in the row stands somewhere else in the record."""
        if not missing:
            return
        names = self._elements.names
        own = (section for section in record if not self._elements.is_foreign(section))
        if any(names[element.tag] in missing for section in own for element in section.iter()):
            raise Rejected(Reason.RECORDS_LOST, f"{' or '.join(sorted(missing))} stands outside of its row")

    def _policy_evaluated(
        self, element: etree._Element | None
    ) -> tuple[dict[str, etree._Element], tuple[ReasonTexts, ...]]:
        if element is None:
            self._notes.add(Repair.MISSING_POLICY_EVALUATED)
            return {}, ()
        found, reasons = self._elements.split(element, "reason")
        return found, tuple(map(self._reason, reasons))

    def _reason(self, reason: etree._Element) -> ReasonTexts:
        found = self._elements.children(reason)
        kind = text_of(found.get("type"))
        if not found and text_of(reason).strip():
            self._notes.add(Repair.REASON_AS_TEXT)
            kind = text_of(reason)
        comment = found.get("comment")
        return ReasonTexts(kind, text_of(comment), language_of(comment))

    def _auth_results(self, element: etree._Element | None) -> tuple[tuple[ResultTexts, ...], tuple[ResultTexts, ...]]:
        if element is None:
            self._notes.add(Repair.MISSING_AUTH_RESULTS)
            return (), ()
        results: dict[str, list[ResultTexts]] = {"dkim": [], "spf": []}
        for child in element:
            name = self._elements.names[child.tag]
            if name in results:
                results[name].append(self._result(child))
            elif name:
                self._elements.pass_over(element, name)
        if max(map(len, results.values())) > MAX_RESULTS:
            raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_RESULTS} results in a record")
        return tuple(results["dkim"]), tuple(results["spf"])

    def _result(self, element: etree._Element) -> ResultTexts:
        get = self._elements.texts(element).get
        human = get("human_result")
        names = self._elements.names
        language = None
        if human is not None:
            language = language_of(next(child for child in element if names[child.tag] == "human_result"))
        return get("domain"), get("selector"), get("scope"), get("result"), human, language


def _text(element: etree._Element | None) -> str | None:
    return None if element is None else element.text


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
        if header_from is None and texts.is_identified and not (texts.header_from or "").strip():
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
        domain = self._notes.domain(text, where=f"record/{self._number}/{path}")
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
