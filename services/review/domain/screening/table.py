"""The rules, one row each: what it stands for, where it is written, how much a hit weighs, its official result code.

A severity or code of None is said by the knowledge entry, or by the case, in the hit. `docs/screening.md` is rendered
from this table, with the golden cases that fail when a row is taken out.
"""

from __future__ import annotations

from services.review.domain.screening import form, herbs, legality
from services.review.domain.screening.appropriate import APPROPRIATE, REVIEW
from services.review.domain.screening.rule import Rule
from services.review.domain.values import Severity

INFO, CAUTION, SERIOUS, BLOCKING = Severity
PRESCRIBING = "处方管理办法 (卫生部令53号)"
ANTIBACTERIAL = "抗菌药物临床应用管理办法 (卫生部令84号)"

LEGALITY = (
    Rule(
        "L1.prescriber_registered",
        "A registered prescriber",
        f"{REVIEW} 13; {PRESCRIBING} 8",
        BLOCKING,
        "1-2",
        legality.prescriber_registered,
    ),
    Rule(
        "L2.practice_site",
        "The right to prescribe at this place",
        f"{REVIEW} 13; {PRESCRIBING} 8",
        BLOCKING,
        "1-2",
        legality.practice_site,
    ),
    Rule(
        "L3.class_right",
        "The right for the drug's class",
        f"{REVIEW} 13; {PRESCRIBING} 11",
        BLOCKING,
        "1-13",
        legality.class_right,
    ),
    Rule(
        "L3.antibacterial_level",
        "Antibacterials within the prescriber's level",
        f"{ANTIBACTERIAL} 24",
        BLOCKING,
        "3-5",
        legality.antibacterial_level,
    ),
    Rule(
        "L3.antibacterial_beyond_level",
        "The next level in an emergency, with a reason",
        f"{ANTIBACTERIAL} 28",
        CAUTION,
        None,
        legality.antibacterial_beyond_level,
    ),
)
FORM = (
    Rule(
        "N1.signature_degraded",
        "A signature that was checked in full",
        f"{REVIEW} 14 (一)",
        CAUTION,
        "1-2",
        legality.signature_degraded,
    ),
    Rule(
        "N2.diagnosis_missing",
        "A diagnosis",
        f"{REVIEW} 14 (二); {PRESCRIBING} 6",
        BLOCKING,
        "1-10",
        form.diagnosis_missing,
    ),
    Rule(
        "N3.1.infant_weight",
        "The weight of an infant",
        f"{REVIEW} 14 (三) 1; {PRESCRIBING} 6",
        SERIOUS,
        "1-4",
        form.infant_weight,
    ),
    Rule(
        "N3.2.herbs_apart",
        "Herbs on a prescription of their own",
        f"{REVIEW} 14 (三) 2; {PRESCRIBING} 6",
        BLOCKING,
        "1-5",
        form.herbs_apart,
    ),
    Rule(
        "N3.3.lines_max",
        "At most five drugs on a prescription",
        f"{REVIEW} 14 (三) 3; {PRESCRIBING} 6",
        BLOCKING,
        "1-11",
        form.lines_max,
    ),
    Rule(
        "N3.3.one_line_per_drug",
        "One drug per line, one line per drug",
        f"{REVIEW} 14 (三) 3; {PRESCRIBING} 6",
        SERIOUS,
        "1-7",
        form.one_line_per_drug,
    ),
    Rule(
        "N3.4.name_unknown",
        "Generic names",
        f"{REVIEW} 14 (三) 4; {PRESCRIBING} 17",
        INFO,
        "1-6",
        form.name_unknown,
    ),
    Rule(
        "N3.5.vague_directions",
        "Clear directions",
        f"{REVIEW} 14 (三) 5; {PRESCRIBING} 6",
        SERIOUS,
        "1-8",
        form.vague_directions,
    ),
    Rule(
        "N3.6.longer_supply",
        "Longer supply needs a reason",
        f"{PRESCRIBING} 19",
        SERIOUS,
        "1-12",
        form.longer_supply,
        confirmable=True,
    ),
    Rule(
        "N3.6.longer_supply_explained",
        "Longer supply with a reason",
        f"{PRESCRIBING} 19",
        INFO,
        None,
        form.longer_supply_explained,
    ),
    Rule("N3.6.validity", "Validity at most three days", f"{PRESCRIBING} 18", BLOCKING, "1-1", form.validity),
    Rule(
        "N3.6.validity_reason",
        "Longer validity needs a reason",
        f"{PRESCRIBING} 18",
        CAUTION,
        "1-1",
        form.validity_reason,
        confirmable=True,
    ),
    Rule(
        "N3.6.class_supply",
        "Supply within the limit of the drug's class",
        f"{PRESCRIBING} 23-24; 医疗用毒性药品管理办法 9",
        BLOCKING,
        "1-13",
        form.class_supply,
    ),
    Rule(
        "N3.6.antibacterial_supply",
        "Antibacterials for a week, unless the infection needs longer",
        f"{REVIEW} 14 (三) 6; 抗菌药物临床应用指导原则",
        CAUTION,
        "1-14",
        form.antibacterial_supply,
        confirmable=True,
    ),
    Rule(
        "N3.7.herb_note_missing",
        "How a herb is decocted",
        f"{REVIEW} 14 (三) 7; 中国药典",
        CAUTION,
        "1-15",
        form.herb_note_missing,
        confirmable=True,
    ),
)
HERBS = (
    Rule("T1.tcm_diagnosis", "Herbs for a pattern", f"{REVIEW} 15 (二) 1", SERIOUS, "2-1", herbs.tcm_diagnosis),
    Rule(
        "T1.pattern",
        "Herbs that fit the pattern",
        f"{REVIEW} 15 (二) 1",
        None,
        "2-1",
        herbs.pattern,
        confirmable=True,
    ),
    Rule("T2.herb_unknown", "Names of herbs", f"{REVIEW} 15 (二) 2", INFO, "1-6", herbs.herb_unknown),
    Rule(
        "T3.toxic_herb_dose",
        "Dose of a herb",
        f"{REVIEW} 15 (二) 3; 中国药典",
        None,
        "2-5",
        herbs.toxic_herb_dose,
        confirmable=True,
    ),
    Rule(
        "T3.controlled_class",
        "A controlled herb by the rules for its class",
        f"{REVIEW} 15 (二) 3; 医疗用毒性药品管理办法 9; 麻醉药品品种目录 (2013)",
        BLOCKING,
        "1-13",
        herbs.controlled_class,
    ),
    Rule(
        "T3.never_alone",
        "Poppy husk among others",
        f"{REVIEW} 15 (二) 3; 医院中药饮片管理规范 (国中医药发〔2007〕11号)",
        BLOCKING,
        "1-13",
        herbs.never_alone,
    ),
    Rule(
        "T4.herb_condition",
        "Herbs in a disease, with sick kidneys or a sick liver",
        f"{REVIEW} 15 (二) 4; 中国药典",
        None,
        "2-2",
        herbs.herb_condition,
        confirmable=True,
    ),
    Rule(
        "T4.herb_age",
        "Herbs for children",
        f"{REVIEW} 15 (二) 4; 中国药典",
        None,
        "2-2",
        herbs.herb_age,
        confirmable=True,
    ),
    Rule(
        "T4.herb_lactation",
        "Herbs while breast-feeding",
        f"{REVIEW} 15 (二) 4; 中国药典",
        None,
        "2-2",
        herbs.herb_lactation,
        confirmable=True,
    ),
    Rule("T4.herb_allergy", "Allergy to a herb", f"{REVIEW} 15 (二) 4", BLOCKING, "2-2", herbs.herb_allergy),
    Rule(
        "T4.herb_pregnancy",
        "Herbs in pregnancy",
        f"{REVIEW} 15 (二) 4; 中国药典",
        None,
        "2-2",
        herbs.herb_pregnancy,
        confirmable=True,
    ),
    Rule(
        "T5.herb_pair",
        "Eighteen antagonisms, nineteen fears",
        f"{REVIEW} 15 (二) 5; 中国药典",
        None,
        "2-8",
        herbs.herb_pair,
        confirmable=True,
    ),
)
RULES: tuple[Rule, ...] = (*LEGALITY, *FORM, *APPROPRIATE, *HERBS)
