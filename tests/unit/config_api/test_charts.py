from xml.etree import ElementTree

import pytest

from config_api.web.charts import PASS_FAIL, Bar, Chart, label_places, share_bar, stacked_bars, ticks


def _chart(*values: tuple[int, int], label: str = "1 Mar", span: str = "1 Mar 2026") -> Chart:
    return Chart(PASS_FAIL, [Bar(label, span, "2026-03-01", "2026-03-01", each, "/reports") for each in values])


def _tree(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def test_a_bar_is_as_high_as_its_share_of_the_scale() -> None:
    chart = stacked_bars(_chart((15, 5)), title="T", description="D")
    good, bad = (_tree(chart).find(f".//rect[@class='{kind}']") for kind in ("pass", "fail"))
    assert good is not None
    assert bad is not None
    assert float(good.attrib["height"][:-1]) == pytest.approx(3 * float(bad.attrib["height"][:-1]), abs=0.01)
    assert float(good.attrib["y"][:-1]) == pytest.approx(
        float(bad.attrib["y"][:-1]) + float(bad.attrib["height"][:-1]), abs=0.01
    )


def test_a_chart_has_a_title_and_a_description_for_screen_readers() -> None:
    tree = _tree(stacked_bars(_chart(), title="Messages", description="None at all", name="m"))
    assert tree.attrib["aria-labelledby"] == "m-title m-desc"
    assert [tree.findtext(name) for name in ("title", "desc")] == ["Messages", "None at all"]


def test_hostile_words_stay_words() -> None:
    chart = stacked_bars(_chart((1, 0), label="<b>", span='"><script>'), title="<i>", description="&")
    assert "<script>" not in chart
    slot = _tree(chart).find(".//g")
    assert slot is not None
    assert slot.attrib["data-told"] == '"><script>: 1 messages; Passed 1'


def test_a_bar_carries_its_days_where_it_leads_and_what_it_shows() -> None:
    slots = _tree(stacked_bars(_chart((1500, 20), (0, 0)), title="T", description="D")).findall(".//g")
    assert [slot.attrib["data-told"] for slot in slots] == [
        "1 Mar 2026: 1,520 messages; Passed 1,500, Failed 20",
        "1 Mar 2026: no messages",
    ]
    assert {slot.attrib["data-href"] for slot in slots} == {"/reports"}


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (0, [0, 1, 2]),
        (1, [0, 1, 2]),
        (4, [0, 1, 2, 3, 4]),
        (9, [0, 2, 4, 6, 8, 10]),
        (41, [0, 10, 20, 30, 40, 50]),
        (101, [0, 50, 100, 150]),
        (2310, [0, 500, 1000, 1500, 2000, 2500]),
    ],
)
def test_the_lines_of_the_grid_are_round_and_fit_the_data(value: int, lines: list[int]) -> None:
    assert ticks(value) == lines


@pytest.mark.parametrize(("bars", "labels"), [(0, 0), (1, 1), (7, 7), (8, 4), (30, 6), (90, 7)])
def test_no_more_labels_than_there_is_room_for(bars: int, labels: int) -> None:
    assert len(label_places(bars)) == labels


def test_a_share_without_a_whole_is_an_empty_track() -> None:
    assert "pass" not in share_bar(0, 0, told="-")
    assert "fail" not in share_bar(3, 3, told="all")
