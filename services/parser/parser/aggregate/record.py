"""One record of an aggregate report, from its element to a row. This is where the time goes: two million may come.

The fast path of a word is one look-up; whatever is not canonical takes the slow one, which keeps the raw word and
notes the repair. Results repeat from record to record, so a result that needed no repair is made only once.
"""

from lxml import etree

from parser import values
from parser.aggregate.elements import Elements, language_of, text_of
from parser.notes import Notes
from parser.repairs import Repair
from parser.words import ALIGNED, DISPOSITION, DKIM_RESULT, REASON_TYPE, SPF_RESULT, SPF_SCOPE, Vocabulary
from pipeline.errors import Rejected
from pipeline.reasons import Reason
from pipeline.report import DkimResult, OverrideReason, Record, SpfResult

MAX_RESULTS = 1000  # RFC 9990 suggests 100 a record
_CACHE_SIZE = 5000

Raw = dict[str, str]
ResultTexts = tuple[str | None, ...]


class RecordReader:
    """Turns records into rows; its caches live as long as one report is read."""

    def __init__(self, elements: Elements, notes: Notes) -> None:
        self._elements = elements
        self._notes = notes
        self._dkim: dict[ResultTexts, DkimResult] = {}
        self._spf: dict[ResultTexts, SpfResult] = {}

    def read(self, record: etree._Element) -> tuple[Record | None, int]:
        """The row (None for an empty record, which is left out) and the number of mails that the record counts.

        Raises Rejected for a count above 2^63-1.
        """
        raw: Raw = {}
        sections = self._elements.sections(record)
        row = self._children(sections.get("row"))
        source_ip = self._source_ip(row.get("source_ip"), raw)
        count = self._count(row.get("count"), raw)
        disposition, dkim, spf, reasons = self._policy_evaluated(row.get("policy_evaluated"), raw)
        header_from, envelope_from, envelope_to = self._identifiers(sections.get("identifiers"), raw)
        dkim_results, spf_results = self._auth_results(sections.get("auth_results"), raw)
        if source_ip is None and count == 0:
            self._notes.add(Repair.EMPTY_RECORD)
            return None, 0
        row_values = (
            source_ip,
            count,
            disposition,
            dkim,
            spf,
            reasons,
            header_from,
            envelope_from,
            envelope_to,
            dkim_results,
            spf_results,
            raw or None,
        )
        return Record._make(row_values), count

    def _children(self, element: etree._Element | None) -> dict[str, etree._Element]:
        return {} if element is None else self._elements.children(element)

    def _source_ip(self, element: etree._Element | None, raw: Raw) -> str | None:
        text = text_of(element)
        source_ip, repair = values.address(text)
        self._notes.add(repair)
        if source_ip != text and text.strip():
            self._keep(raw, "row/source_ip", text)
        return source_ip

    def _count(self, element: etree._Element | None, raw: Raw) -> int:
        text = text_of(element)
        try:
            count, repair = values.count(text)
        except OverflowError as error:
            raise Rejected(Reason.BAD_VALUE, f"a count of {error}") from error
        if repair is not None:
            self._notes.add(repair)
            self._keep(raw, "row/count", text)
        return count

    def _policy_evaluated(
        self, element: etree._Element | None, raw: Raw
    ) -> tuple[str | None, str | None, str | None, tuple[OverrideReason, ...]]:
        if element is None:
            self._notes.add(Repair.MISSING_POLICY_EVALUATED)
            return None, None, None, ()
        found, listed = self._elements.split(element, "reason")
        reasons = [self._reason(reason, raw, f"policy_evaluated/reason/{i}") for i, reason in enumerate(listed)]
        return (
            self._word(DISPOSITION, text_of(found.get("disposition")), raw, "policy_evaluated/disposition"),
            self._word(ALIGNED, text_of(found.get("dkim")), raw, "policy_evaluated/dkim"),
            self._word(ALIGNED, text_of(found.get("spf")), raw, "policy_evaluated/spf"),
            tuple(reasons),
        )

    def _reason(self, reason: etree._Element, raw: Raw, path: str) -> OverrideReason:
        found = self._elements.children(reason)
        text = text_of(found.get("type"))
        if not found and text_of(reason).strip():
            self._notes.add(Repair.REASON_AS_TEXT)
            text = text_of(reason)
        comment = found.get("comment")
        self._language(comment, raw, f"{path}/comment")
        kind = self._word(REASON_TYPE, text, raw, f"{path}/type")
        return OverrideReason(kind or "other", self._notes.text(text_of(comment)))

    def _identifiers(self, element: etree._Element | None, raw: Raw) -> tuple[str | None, str | None, str | None]:
        if element is None:
            self._notes.add(Repair.MISSING_IDENTIFIERS)
            return None, None, None
        found = self._elements.texts(element)
        header_from = self._domain(found.get("header_from"), raw, "identifiers/header_from")
        if header_from is None:
            self._notes.add(Repair.MISSING_HEADER_FROM)
        return (
            header_from,
            self._domain(found.get("envelope_from"), raw, "identifiers/envelope_from"),
            self._domain(found.get("envelope_to"), raw, "identifiers/envelope_to"),
        )

    def _auth_results(
        self, element: etree._Element | None, raw: Raw
    ) -> tuple[tuple[DkimResult, ...], tuple[SpfResult, ...]]:
        if element is None:
            self._notes.add(Repair.MISSING_AUTH_RESULTS)
            return (), ()
        names = self._elements.names
        dkim: list[DkimResult] = []
        spf: list[SpfResult] = []
        for child in element:
            name = names[child.tag]
            if name == "dkim":
                texts = self._result_texts(child)
                dkim.append(self._dkim.get(texts) or self._dkim_result(texts, raw, f"auth_results/dkim/{len(dkim)}"))
            elif name == "spf":
                texts = self._result_texts(child)
                spf.append(self._spf.get(texts) or self._spf_result(texts, raw, f"auth_results/spf/{len(spf)}"))
            elif name:
                self._elements.pass_over(element, name)
        if len(dkim) > MAX_RESULTS or len(spf) > MAX_RESULTS:
            raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_RESULTS} results in a record")
        return tuple(dkim), tuple(spf)

    def _dkim_result(self, texts: ResultTexts, raw: Raw, path: str) -> DkimResult:
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

    def _spf_result(self, texts: ResultTexts, raw: Raw, path: str) -> SpfResult:
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

    def _result_texts(self, element: etree._Element) -> ResultTexts:
        """Domain, selector, scope, result, human_result and the latter's language: what a result is made from."""
        get = self._elements.texts(element).get
        human = get("human_result")
        language = None if human is None else language_of(self._elements.children(element)["human_result"])
        return get("domain"), get("selector"), get("scope"), get("result"), human, language

    def _word(self, vocabulary: Vocabulary, text: str, raw: Raw, path: str) -> str | None:
        word = vocabulary.known.get(text)
        if word is not None:
            return word
        word, repair = vocabulary.read(text)
        self._notes.add(repair)
        if repair is not None and text.strip():
            self._keep(raw, path, text)
        return word

    def _domain(self, text: str | None, raw: Raw, path: str) -> str | None:
        domain = self._notes.domain(text)
        if domain is not text and text is not None and domain != (text.strip() or None):
            self._keep(raw, path, text)
        return domain

    def _language(self, element: etree._Element | None, raw: Raw, path: str) -> None:
        language = language_of(element)
        if language is not None:
            self._keep(raw, path + "/@lang", language)

    def _keep(self, raw: Raw, path: str, text: str) -> None:
        raw[path] = self._notes.text(text) or ""
