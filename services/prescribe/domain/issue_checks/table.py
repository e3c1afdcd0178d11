"""The table of an issue's checks: each with the source it rests on. The first broken rule answers."""

from __future__ import annotations

from services.prescribe.domain.issue_checks import authority, content, insurance, lines, online, people, supply
from services.prescribe.domain.issue_checks.written import IssueRule

RX_2007 = "处方管理办法 (卫生部令53号)"
REVIEW_2018 = "处方审核规范 (国卫办医发〔2018〕14号)"
ONLINE_2018 = "互联网诊疗管理办法(试行) (国卫医发〔2018〕25号)"
ONLINE_2022 = "互联网诊疗监管细则(试行) (国卫办医发〔2022〕2号)"
ANTIBACTERIALS = "抗菌药物临床应用管理办法 (卫生部令84号)"
CENTRE = "医保电子处方中心 uploadChk"

WHO: tuple[IssueRule, ...] = (IssueRule(people.prescriber_registered, f"{REVIEW_2018} 13 (L1); {RX_2007} 8"),)
"""Before the signature: its key is taken from the register's entry."""

WHAT: tuple[IssueRule, ...] = (
    IssueRule(content.written_by_a_person, f"{ONLINE_2022} 21"),
    IssueRule(content.no_steering, f"{RX_2007} 42"),
    IssueRule(online.admitted, f"{ONLINE_2018} 16, 18; {ONLINE_2022} 18"),
    IssueRule(people.institution_admitted, "医疗机构管理条例 24"),
    IssueRule(people.practice_site, f"{REVIEW_2018} 13 (L2); 医师执业注册管理办法 10"),
    IssueRule(people.institution_holds_such_visits, f"{ONLINE_2018} 5; 互联网医院管理办法(试行) 2"),
    IssueRule(people.patient_known, f"{RX_2007} 6 (一); 个人信息保护法 47"),
    IssueRule(people.weight_known, f"{REVIEW_2018} 14 (三) 1; {RX_2007} 6"),
    IssueRule(content.diagnoses, f"{REVIEW_2018} 14 (二); {RX_2007} 5, 6; ICD-10 医保版"),
    IssueRule(content.tcm_diagnosis, f"{REVIEW_2018} 15 (二) 1 (T1); 中药处方格式及书写规范 4"),
    IssueRule(lines.line_count, f"{REVIEW_2018} 14 (三) 3; {RX_2007} 6 (六)"),
    IssueRule(lines.drugs_known, f"{REVIEW_2018} 14 (三) 4; {RX_2007} 17; 药品管理法 83"),
    IssueRule(
        authority.class_circulates, "麻醉药品和精神药品管理条例 30; 药品类易制毒化学品管理办法; 放射性药品管理办法"
    ),
    IssueRule(lines.medicine_kind, f"{REVIEW_2018} 14 (三) 2; {RX_2007} 6 (五)"),
    IssueRule(lines.written_alone, f"{REVIEW_2018} 14 (三) 2"),
    IssueRule(online.return_visit, f"{ONLINE_2018} 16; {ONLINE_2022} 18"),
    IssueRule(online.authorised, f"{CENTRE}: authNo"),
    IssueRule(online.no_excluded_class, f"{ONLINE_2018} 19"),
    IssueRule(online.experienced, f"{ONLINE_2018} 25"),
    IssueRule(online.child_accompanied, f"{ONLINE_2018} 19"),
    IssueRule(authority.prescribing_right, f"{REVIEW_2018} 13 (L3); {RX_2007} 11"),
    IssueRule(authority.antibacterial_level, f"{ANTIBACTERIALS} 24, 27, 28"),
    IssueRule(authority.antibacterial_title, f"{ANTIBACTERIALS} 24"),
    IssueRule(lines.clear_directions, f"{REVIEW_2018} 14 (三) 5; {RX_2007} 6 (九)"),
    IssueRule(lines.infusion, f"{REVIEW_2018} 15 (一) 8 (A8)"),
    IssueRule(supply.frequency, f"{REVIEW_2018} 14 (三) 5; {RX_2007} 6 (九)"),
    IssueRule(supply.quantity_follows, f"{REVIEW_2018} 14 (三) 5; {CENTRE}: drugCnt"),
    IssueRule(supply.whole_packs, f"{CENTRE}: drugDosunt (拆零); 药品经营质量管理规范 173"),
    IssueRule(supply.class_amounts, f"{RX_2007} 23-26; 医疗用毒性药品管理办法 9"),
    IssueRule(supply.days_supplied, f"{RX_2007} 19"),
    IssueRule(supply.long_term, "长期处方管理规范(试行) (国卫办医发〔2021〕17号) 4, 7-9"),
    IssueRule(supply.validity, f"{RX_2007} 18"),
    IssueRule(insurance.kinds, f"{CENTRE}: rxExraAttrCode"),
    IssueRule(insurance.disease_code, f"{CENTRE}: diseCodg"),
    IssueRule(insurance.self_pay, f"{CENTRE}: selfPayRea, realDscr"),
    IssueRule(insurance.restricted_use, f"{CENTRE}: hospApprFlag"),
)
"""After it."""

SUBSTITUTED = frozenset(
    {
        lines.drugs_known,
        authority.class_circulates,
        lines.medicine_kind,
        online.no_excluded_class,
        authority.prescribing_right,
        authority.antibacterial_level,
        authority.antibacterial_title,
        supply.frequency,
        supply.class_amounts,
        supply.days_supplied,
        supply.long_term,
        insurance.restricted_use,
    }
)
SUBSTITUTE: tuple[IssueRule, ...] = tuple(rule for rule in WHAT if rule.check in SUBSTITUTED)
"""What hangs on the drug: who may prescribe it, how much, who pays. Looked at again for a substitute on a line that was
checked. Packs are opened, or not, at the pharmacy that has them."""
DIRECTED: tuple[IssueRule, ...] = tuple(rule for rule in WHAT if rule.check is supply.quantity_follows)
"""And of the same drug in another strength: whether it is as much as the directions ask for."""
