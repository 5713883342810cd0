from xml.etree import ElementTree

import pytest

from config_api.web.charts import Bar, label_places, nice_ceiling, share_bar, stacked_bars


def _tree(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def test_a_bar_is_as_high_as_its_share_of_the_scale() -> None:
    chart = stacked_bars([Bar("1 Mar", "told", passed=15, failed=5)], title="T", description="D")
    good, bad = (_tree(chart).find(f".//rect[@class='{kind}']") for kind in ("pass", "fail"))
    assert good is not None
    assert bad is not None
    assert float(good.attrib["height"][:-1]) == pytest.approx(3 * float(bad.attrib["height"][:-1]), abs=0.01)
    assert float(good.attrib["y"][:-1]) == pytest.approx(
        float(bad.attrib["y"][:-1]) + float(bad.attrib["height"][:-1]), abs=0.01
    )


def test_a_chart_has_a_title_and_a_description_for_screen_readers() -> None:
    tree = _tree(stacked_bars([], title="Messages", description="None at all", name="m"))
    assert tree.attrib["aria-labelledby"] == "m-title m-desc"
    assert [tree.findtext(name) for name in ("title", "desc")] == ["Messages", "None at all"]


def test_hostile_words_stay_words() -> None:
    chart = stacked_bars([Bar("<b>", '"><script>', passed=1, failed=0)], title="<i>", description="&")
    assert "<script>" not in chart
    assert _tree(chart).findtext(".//g/title") == '"><script>'


@pytest.mark.parametrize(("value", "ceiling"), [(0, 4), (4, 4), (5, 10), (11, 20), (21, 40), (99, 100), (101, 200)])
def test_the_scale_ends_at_a_round_number(value: int, ceiling: int) -> None:
    assert nice_ceiling(value) == ceiling


@pytest.mark.parametrize(("bars", "labels"), [(0, 0), (1, 1), (7, 7), (8, 4), (30, 6), (90, 7)])
def test_no_more_labels_than_there_is_room_for(bars: int, labels: int) -> None:
    assert len(label_places(bars)) == labels


def test_a_share_without_a_whole_is_an_empty_track() -> None:
    assert "pass" not in share_bar(0, 0, told="-")
    assert "fail" not in share_bar(3, 3, told="all")
