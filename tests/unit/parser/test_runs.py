"""Records that are taken out of the text before it is parsed say what they say through the tree, and nowhere else."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parser.kinds.aggregate.fastpath import patterns, shapes
from parser.kinds.aggregate.fastpath import reader as fastpath
from parser.kinds.aggregate.reader import AggregateReader
from parser.kinds.aggregate.sections import Damaged, Sections
from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from pipeline.mailformat import inflate
from tests.support.both_ways import FAST, said, said_through_the_tree
from tests.support.reports import METADATA, POLICY, RECORD, read_xml, report_xml

OTHER = RECORD.replace("<identifiers>", "<identifiers><envelope_to>example.net</envelope_to>").replace(
    "192.0", "198.51"
)
REASON = "<reason><type>forwarded</type><comment>arc=pass</comment></reason></policy_evaluated>"
WITH_REASON = RECORD.replace("</policy_evaluated>", REASON)


@pytest.fixture(autouse=True)
def _shapes_are_known() -> None:
    """All shapes were met before, in reports without a namespace, and so often that they are looked for in the text."""
    for _ in range(2):
        said(report_xml(records=(RECORD + OTHER + WITH_REASON) * (patterns.WORTH_IT + 1)))


def known_shapes() -> shapes.KnownShapes:
    """What the fast reader has learnt."""
    assert FAST._known is not None
    return FAST._known


def taken_out(document: str) -> str:
    """What is left for the parser."""
    return b"".join(fastpath.Runs(known_shapes()).taken_out([document.encode()])).decode()


def rows_of(document: str | bytes) -> list[str | None]:
    """The addresses of the rows."""
    return [row.source_ip for row in said(document)[1]]


def test_a_shape_is_looked_for_in_the_text_once_it_has_come_often() -> None:
    known = shapes.KnownShapes()
    reader = AggregateReader()
    reader._known = known
    document = report_xml(records=RECORD)
    left = []
    for _ in range(patterns.WORTH_IT + 2):
        said(document, reader=reader)
        left.append("192.0.2.1" in b"".join(fastpath.Runs(known).taken_out([document.encode()])).decode())

    assert left[0] is True
    assert left[-1] is False


def test_the_parser_gets_two_empty_records_for_many_that_follow_one_another() -> None:
    left = taken_out(report_xml(records=RECORD + "\n " + OTHER + WITH_REASON))

    assert left.count("<record ") == 2
    assert "source_ip" not in left
    assert METADATA in left


@pytest.mark.parametrize(
    "odd",
    [
        RECORD.replace("s1", "s&amp;1"),
        RECORD.replace("s1", "s<!-- one -->1"),
        RECORD.replace("s1", "<![CDATA[s1]]>"),
        RECORD.replace("s1", "sé1"),
        RECORD.replace("s1", "s\r\n1"),
        RECORD.replace("s1", "s]]&gt;1"),
        RECORD.replace("<selector>", "<selector lang='de'>"),
        RECORD.replace("<record>", "<record >"),
        RECORD.replace("<row>", "<row>text"),
        RECORD.replace("<selector>s1</selector>", "<selector/>"),
        RECORD.replace("<selector>s1</selector>", "<selector></selector>"),
        RECORD.replace("<header_from>example.com</header_from>", "<header_from></header_from>"),
        RECORD.replace("<comment>", "<comment lang='de'>"),
        WITH_REASON.replace("<comment>", "<comment lang='de'>"),
        WITH_REASON.replace("arc=pass", ""),
        WITH_REASON.replace("<type>forwarded</type>", "<type/>"),
        RECORD.replace("192.0.2.1", " 192.0.2.1\t"),
        RECORD.replace("192.0.2.1", "192.0.2.1<Source_IP/>"),
        RECORD.replace("192.0.2.1", "<type/>"),
        RECORD.replace("<header_from>example.com<", "<header_from><domain>example.com</domain><"),
        RECORD.replace("<selector>s1<", "<selector>\n<result>s1</result><"),
        RECORD.replace("</record>", "<record><row/></record></record>"),
        "<Record>" + RECORD.removeprefix("<record>").removesuffix("</record>") + "</Record>",
    ],
)
def test_a_record_that_is_written_otherwise_says_the_same(odd: str) -> None:
    document = report_xml(records=RECORD + odd + OTHER + odd)

    found, again = said(document), said(document)

    assert found == again == said_through_the_tree(document)
    assert found[0].records == 4


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "<error><![CDATA[{}]]></error>",
        "<?note {} ?>",
        "<extension>{}</extension>",
        "<x:note xmlns:x='urn:x'>{}</x:note>",
        "<x:note xmlns:x='urn:x' xmlns='urn:y'>{}</x:note>",
    ],
)
def test_records_that_stand_where_none_belong_are_no_rows(hidden: str) -> None:
    document = report_xml(records=RECORD + hidden.format(OTHER * 3) + RECORD)

    assert said(document) == said(document) == said_through_the_tree(document)
    assert rows_of(document) == ["192.0.2.1", "192.0.2.1"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ('<feedback xmlns="http://dmarc.org/dmarc-xml/0.1">', "</feedback>"),
        ('<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">', "</feedback>"),
        ('<d:feedback xmlns:d="urn:ietf:params:xml:ns:dmarc-2.0">', "</d:feedback>"),
        ('<d:feedback xmlns:d="urn:a" xmlns="urn:b">', "</d:feedback>"),
        ("<FEEDBACK>", "</FEEDBACK>"),
    ],
)
def test_under_another_root_records_say_what_they_say_through_the_tree(start: str, end: str) -> None:
    document = f"{start}{METADATA}{POLICY}{RECORD}{OTHER}{RECORD}{end}"

    first, again = said(document), said(document)

    assert first == again == said_through_the_tree(document)


def test_records_of_a_prefix_are_not_mixed_up_with_those_of_none() -> None:
    prefixed = RECORD.replace("</", "</ d:").replace("<", "<d:").replace("<d:/ d:", "</d:")
    document = (
        f'<feedback xmlns="urn:a" xmlns:d="urn:dmarc-xml">{METADATA}{POLICY}{RECORD}{prefixed}{RECORD}</feedback>'
    )

    for _ in range(2):
        assert said(document) == said_through_the_tree(document)


@pytest.mark.parametrize("size", [64, 500, 1000])
def test_where_a_document_is_divided_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    document = report_xml(records=(RECORD + OTHER + RECORD.replace("s1", "sé")) * 9)
    whole = said_through_the_tree(document)
    monkeypatch.setattr(inflate, "PIECE_BYTES", size)

    assert said(document) == whole
    assert len(whole[1]) == 27


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "us-ascii", "utf-7", "utf-8-sig"])
def test_the_encoding_changes_nothing(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    document = report_xml(records=RECORD * 3).replace('encoding="UTF-8"', f'encoding="{name}"').encode(encoding)

    assert said(document) == said_through_the_tree(document)


@pytest.mark.parametrize("damage", ["</row>", "<b>", "&", "<", "\0", "</feedback>", "<record>", "</record>"])
def test_damage_between_records_is_found(damage: str) -> None:
    document = report_xml(records=RECORD + OTHER + damage + RECORD + OTHER)

    assert said(document) == said_through_the_tree(document)


def test_the_line_of_a_damage_is_told_as_it_is_in_the_document() -> None:
    document = report_xml(records=(RECORD + "\n") * 3 + "</row>" + RECORD)
    line = document[: document.rindex("</row>" + RECORD)].count("\n") + 1

    with pytest.raises(Damaged, match=f"line {line}"):
        list(Sections(fastpath.Runs(known_shapes()).taken_out([document.encode()]), root_name="feedback"))


def test_a_limit_of_records_holds_within_a_run() -> None:
    with pytest.raises(Rejected) as refused:
        read_xml(report_xml(records=RECORD * 5), limits=Limits(max_records=4))

    assert refused.value.reason is Reason.TOO_MANY_RECORDS


def test_a_report_with_many_records_where_none_belong_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastpath, "MAX_WAITING_BYTES", 10 * len(RECORD))
    document = report_xml(records=RECORD + "<extension>" + RECORD * 11 + "</extension>" + OTHER)

    assert said(document) == said_through_the_tree(document)
    assert rows_of(document) == ["192.0.2.1", "198.51.2.1"]


@pytest.mark.parametrize("field", ["org_name", "report_id", "extra_contact_info"])
def test_records_in_a_text_stay_text(field: str) -> None:
    metadata = re.sub(f"<{field}>[^<]*<", f"<{field}><![CDATA[{RECORD}]]><", METADATA)
    document = report_xml(metadata=metadata, records=RECORD + OTHER)

    assert said(document) == said(document) == said_through_the_tree(document)
    assert "<source_ip>" in str(said(document)[0])


def test_more_records_of_another_namespace_than_unknown_elements_are_allowed_are_refused() -> None:
    foreign = f'<d:feedback xmlns:d="urn:a" xmlns="urn:b">{METADATA}{POLICY}{{}}</d:feedback>'
    many, few = (foreign.format(RECORD * number) for number in (1500, 900))

    assert said(many) == said_through_the_tree(many)
    assert said(few) == said_through_the_tree(few)


def test_starts_of_records_without_number_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    tags_of = patterns.tags_of

    def counted(record: str) -> patterns.Tags:
        nonlocal looked
        looked += len(record)
        return tags_of(record)

    monkeypatch.setattr(patterns, "tags_of", counted)
    document = report_xml(records="<!--" + ("<record>" * 1000 + "</record>") * 20 + "-->" + RECORD)

    assert rows_of(document) == ["192.0.2.1"]
    assert looked < 3 * len(document)


def test_shapes_with_long_namespaces_are_not_remembered() -> None:
    known = known_shapes()
    before = len(known._shapes)
    other = "".join(RECORD.replace("</row>", "<count/>" * n + "</row>") for n in range(5))

    document = f'<feedback xmlns="urn:{"x" * 20_000}">{METADATA}{POLICY}{other}</feedback>'

    assert said(document) == said_through_the_tree(document)
    assert len(known._shapes) == before


def test_a_mark_that_a_document_brings_along_is_no_run() -> None:
    mark = f'<record {fastpath._MARK}="7"/>'
    document = report_xml(records=RECORD + mark + RECORD)

    assert rows_of(document) == ["192.0.2.1", "192.0.2.1"]


PIECES = [
    *(RECORD, OTHER, WITH_REASON, METADATA, POLICY, "<record>", "</record>", "<record/>", "<x:record>"),
    *("<extension>", "</extension>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&", "<", ">", "é", "\0", " ", "'"),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.integers(0, 4000), st.integers(0, 40)), max_size=5))
def test_whatever_is_changed_both_ways_say_the_same(changes: list[tuple[str, int, int]]) -> None:
    document = report_xml(records=RECORD + OTHER + RECORD + WITH_REASON + OTHER)
    for piece, at, length in changes:
        start = at % len(document)
        document = document[:start] + piece + document[start + length :]

    assert said(document) == said(document) == said_through_the_tree(document)
