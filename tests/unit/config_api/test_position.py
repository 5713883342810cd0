from config_api.web import words
from config_api.web.paging import MAX_COUNTED, Page
from config_api.web.position import position_of
from pipeline.contracts.repairs import MailRepair, Repair


def test_a_page_says_where_it_is_and_what_asks_for_those_beside_it() -> None:
    page = Page[int](items=[1] * 25, next_cursor="n", previous_cursor="p")
    position = position_of({"q": "x", "cursor": "c", "from": "26"}, page, total=312, limit=25)

    assert position.text == "26 to 50 of 312"
    assert position.previous == {"q": "x", "cursor": "p", "from": 1}
    assert position.following == {"q": "x", "cursor": "n", "from": 51}


def test_the_first_page_has_none_before_and_a_place_that_was_made_up_is_not_believed() -> None:
    page = Page[int](items=[1, 2])
    assert position_of({}, page, total=2, limit=25).text == "1 to 2 of 2"
    for made_up in ("-5", "1" * 30, "٣", "x"):
        assert position_of({"from": made_up, "cursor": "c"}, page, total=2, limit=25).text == "1 to 2 of 2"


def test_a_total_that_was_not_counted_to_its_end_says_so() -> None:
    page = Page[int](items=[1], next_cursor="n")
    assert position_of({}, page, total=MAX_COUNTED + 1, limit=1).text == "1 to 1 of more than 10,000"


def test_every_repair_is_told_in_a_sentence() -> None:
    for repair in (*Repair, *MailRepair):
        assert words.repair(repair.value).lower() == repair.text.lower()
    assert words.repair("from-a-later-version") == "From a later version"
