"""What the shipped set says of Chinese patent medicines: their pieces, and what their labels' doses are."""

import pytest

from services.review.domain.knowledge.entries import Drug
from services.review.domain.knowledge.files import shipped_sets

ENTRIES = shipped_sets()[-1].entries
PATENT: dict[str, Drug] = {
    each.id: each for each in ENTRIES["drugs"] if "patent medicine" in (each.note or "") or each.id == "ginkgo-leaf"
}
EXTRACTS_AND_SECRETS = {
    "ganmaoling",  # pieces of which the set knows none
    "fufang-ganmaoling",
    "ganmaoqing",
    "zhenju-jiangya",
    "xinhuang-pian",
    "keteling",
    "xuezhikang",  # red yeast rice
    "yunnan-baiyao-topical",
    "shexiang-zhuanggu",
    "huatuo-zaizao",  # the label tells three of its pieces
    "leigongteng-duogan",  # an extract
    "xuesaitong-injection",
    "ginkgo-leaf",
}
"""Of these no piece is written down."""
DOSE_BY_FORM = {
    "danshen-injection",
    "yunnan-baiyao-topical",
    "shexiang-zhuanggu",
    "xiao-huoluo",  # small pills and large ones are both counted
    "da-huoluo",
    "huatuo-zaizao",
    "fuzi-lizhong",
    "zhusha-anshen",
    "baizi-yangxin",
    "tianwang-buxin",
    "longdan-xiegan",
    "shuanghuanglian-injection",
    "xuesaitong-injection",
    "chaihu-injection",
    "shenmai-injection",
    "ginkgo-leaf",
}
"""Of these the label's dose depends on a form or a strength that a prescription does not tell for sure."""
GROUPS = {
    "with-aconitine": "patent-with-aconite",
    "ephedra": "patent-with-ephedra",
    "cinnabar": "patent-with-cinnabar",
    "realgar": "patent-with-realgar",
    "toad-venom": "patent-with-toad-venom",
}


def test_of_each_patent_medicine_the_pieces_are_written_down_or_it_is_said_why_not() -> None:
    assert len(PATENT) >= 54
    assert {each.id for each in PATENT.values() if not each.pieces} == EXTRACTS_AND_SECRETS
    assert {each.id for each in ENTRIES["drugs"] if each.pieces} <= PATENT.keys()


def test_of_each_patent_medicine_there_is_the_dose_of_its_label_or_it_is_said_why_not() -> None:
    dosed = {dose.drug for dose in ENTRIES["doses"]}

    assert PATENT.keys() - dosed == DOSE_BY_FORM


@pytest.mark.parametrize(("pieces", "medicines"), GROUPS.items())
def test_what_holds_a_poison_by_its_pieces_is_of_the_group_that_interactions_name(pieces: str, medicines: str) -> None:
    (of_pieces,) = (each for each in ENTRIES["herb_groups"] if each.id == pieces)
    (of_medicines,) = (each for each in ENTRIES["groups"] if each.id == medicines)

    holding = {each.id for each in PATENT.values() if set(each.pieces) & set(of_pieces.herbs)}

    assert holding == {member.drug for member in of_medicines.members}


def test_the_poisons_of_patent_medicines_are_toxic_pieces_or_drastic_ones() -> None:
    toxic = {each.id for each in ENTRIES["herbs"] if each.toxic or each.controlled}
    of_groups = {herb for each in ENTRIES["herb_groups"] for herb in each.herbs}

    assert of_groups - toxic == {"mahuang", "caowuye"}
