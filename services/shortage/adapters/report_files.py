"""Reports as files for people: CSV, XLSX and PDF, in Chinese or English, out of the very content that was issued.

A cell never begins with a character that a spreadsheet takes for a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from xml.sax.saxutils import escape

import xlsxwriter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.seedwork.paper_font import FAMILY, face, registered

Language = Literal["zh", "en"]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Some spreadsheets take the wide ones for the narrow ones."""
NOTHING = "—"
"""What stands for a value that there is not, or that nobody knows."""
CELL_CHARACTERS_MAX = 32_767
POINTS = 7
LABELS: Mapping[str, tuple[str, str]] = {
    "shortage_weekly": ("药品短缺监测周报", "Weekly report of drug-shortage monitoring"),
    "shortage_dashboard": ("药品短缺监测看板", "Dashboard of drug-shortage monitoring"),
    "shortage_cases": ("药品短缺案例清单", "List of drug-shortage cases"),
    "about": ("关于本报告", "About this report"),
    "figures": ("指标", "Figures"),
    "drugs": ("按药品", "By drug"),
    "cases": ("案例", "Cases"),
    "name": ("指标", "Figure"),
    "value": ("数值", "Value"),
    "formula": ("计算公式", "Formula"),
    "inputs": ("输入值", "Inputs"),
    "report": ("报告", "Report"),
    "region": ("地区", "Region"),
    "first": ("起始日", "First day"),
    "last": ("截止日", "Last day"),
    "as_of": ("数据时点", "As of"),
    "log_index": ("日志序号", "Log index"),
    "algorithm": ("算法版本", "Algorithm"),
    "policy": ("政策版本", "Policy"),
    "jurisdiction": ("适用法域", "Jurisdiction"),
    "freshness": ("数据新鲜度", "Freshness"),
    "completeness": ("数据完整性", "Completeness"),
    "sha256": ("JSON 摘要", "Digest of the JSON"),
    "drug_key": ("药品(通用名|剂型|规格)", "Drug (generic name | form | strength)"),
    "state": ("状态", "State"),
    "grade": ("等级", "Grade"),
    "owner_level": ("应对层级", "Owner level"),
    "pharmacies": ("药店数", "Pharmacies"),
    "demands": ("未满足需求数", "Unfilled demands"),
    "suspected_at": ("疑似时间", "Suspected at"),
    "confirmed_at": ("确认时间", "Confirmed at"),
    "expected_until": ("预计恢复", "Expected until"),
    "ended_at": ("结束时间", "Ended at"),
    "ended_as": ("结束方式", "Ended as"),
    "drug_class": ("可替代性分类", "Class by substitutability"),
    "nationally_listed": ("国家清单", "On a national list"),
    "True": ("是", "yes"),
    "False": ("否", "no"),
    "order_fill_percent": ("订单满足率 %", "Order fill rate %"),
    "demand_fill_percent": ("需求满足率 %", "Demand fill rate %"),
    "orders_filled": ("订单到货量", "Orders filled"),
    "orders_wanted": ("订单需求量", "Orders wanted"),
    "dispensed": ("发药量", "Dispensed"),
    "unfilled": ("未满足量", "Unfilled"),
    "confirmed_grade_I": ("已确认案例 I级", "Confirmed cases of grade I"),
    "confirmed_grade_II": ("已确认案例 II级", "Confirmed cases of grade II"),
    "confirmed_grade_III": ("已确认案例 III级", "Confirmed cases of grade III"),
    "confirmed_grade_IV": ("已确认案例 IV级", "Confirmed cases of grade IV"),
    "new_in_period": ("本期新确认", "Newly confirmed in the period"),
    "back_again_in_period": ("本期再次短缺", "Back again in the period"),
    "ended_in_period": ("本期结束", "Ended in the period"),
    "dismissed_in_period": ("本期排除", "Dismissed in the period"),
    "suspected": ("疑似", "Suspected"),
    "confirmed": ("已确认", "Confirmed"),
    "dismissed": ("已排除", "Dismissed"),
    "dismissed_auto": ("自动排除", "Dismissed by itself"),
    "resolved": ("已解除", "Resolved"),
    "avoided": ("已避免", "Avoided"),
    "county": ("县级", "County"),
    "city": ("市级", "City"),
    "province": ("省级", "Province"),
    "nation": ("国家级", "Nation"),
    "filled": ("已满足", "filled"),
    "wanted": ("需求", "wanted"),
    "told": ("已上报", "told"),
    "expected": ("应上报", "expected"),
    "count of cases": ("案例数", "count of cases"),
    "filled / (requested - cancelled), base units, lines placed in the period": (
        "到货量 /(订购量 - 取消量),基本单位,本期下单",
        "filled / (requested - cancelled), base units, lines placed in the period",
    ),
    "dispensed / (dispensed + unfilled), base units": (
        "发药量 /(发药量 + 未满足量),基本单位",
        "dispensed / (dispensed + unfilled), base units",
    ),
    "pharmacies that told something about the period / pharmacies in the register and not suspended": (
        "本期有上报的药店 / 登记在册且未暂停的药店",
        "pharmacies that told something about the period / pharmacies in the register and not suspended",
    ),
}
"""Chinese and English of what stands in a report; a name without an entry stands as it is."""
ABOUT = ("report", "region", "first", "last", "as_of", "log_index", "algorithm", "policy", "jurisdiction")
CASE_COLUMNS = (
    "drug_key",
    "region",
    "state",
    "grade",
    "owner_level",
    "pharmacies",
    "demands",
    "suspected_at",
    "confirmed_at",
    "expected_until",
    "ended_at",
    "ended_as",
)
LIST_COLUMNS = ("drug_class", "nationally_listed")
BEFORE_LISTS = "report-1"
"""Its cases say nothing of lists, and its files have no columns for them."""
DRUG_COLUMNS = (
    "drug_key",
    "order_fill_percent",
    "orders_filled",
    "orders_wanted",
    "demand_fill_percent",
    "dispensed",
    "unfilled",
)
FIGURE_COLUMNS = ("name", "value", "formula", "inputs")
Report = Mapping[str, Any]


def label(name: str, language: Language) -> str:
    known = LABELS.get(name)
    return name if known is None else known[0 if language == "zh" else 1]


def csv_file(report: Report, sha256: str, language: Language) -> bytes:
    """All parts after each other, UTF-8 with the mark that spreadsheets need to see it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for title, columns, rows in parts(report, sha256):
        writer.writerow([label(title, language)])
        writer.writerow([label(column, language) for column in columns])
        writer.writerows([harmless(cell) for cell in _cells(row, columns, language)] for row in rows)
        writer.writerow([])
    return "\ufeff".encode() + text.getvalue().encode()


def xlsx_file(report: Report, sha256: str, language: Language) -> bytes:
    """A sheet per part; every cell is text, so that nothing is calculated or turned into a date."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime.fromisoformat(report["as_of"]).replace(tzinfo=None)})
    bold = book.add_format({"bold": True})
    for title, columns, rows in parts(report, sha256):
        sheet = book.add_worksheet(label(title, language)[:31])
        for place, column in enumerate(columns):
            sheet.write_string(0, place, label(column, language), bold)
        for line, row in enumerate(rows, start=1):
            for place, cell in enumerate(_cells(row, columns, language)):
                sheet.write_string(line, place, harmless(cell)[:CELL_CHARACTERS_MAX])
        sheet.freeze_panes(1, 0)
    book.close()
    return content.getvalue()


def pdf_file(report: Report, sha256: str, language: Language) -> bytes:
    """Tables for printing; the font is embedded."""
    tables = [
        (label(title, language), [label(column, language) for column in columns], columns, rows)
        for title, columns, rows in parts(report, sha256)
    ]
    written = "".join(
        [label(report["report"], language), *(title for title, *_ in tables)]
        + [text for _, heads, columns, rows in tables for text in heads]
        + [cell for _, _, columns, rows in tables for row in rows for cell in _cells(row, columns, language)]
    )
    content = io.BytesIO()
    with registered(set(written) | set(" 0123456789")):
        style = ParagraphStyle("cell", fontName=FAMILY, fontSize=POINTS, leading=POINTS + 2, wordWrap="CJK")
        head = ParagraphStyle("head", parent=style, fontSize=POINTS + 4, leading=POINTS + 8)
        story: list[Any] = [Paragraph(_printed(label(report["report"], language)), head), Spacer(1, 6)]
        for title, heads, columns, rows in tables:
            story += [Paragraph(_printed(title), head), _table(heads, columns, rows, style, language), Spacer(1, 8)]
        SimpleDocTemplate(
            content, pagesize=landscape(A4), leftMargin=28, rightMargin=28, topMargin=28, bottomMargin=28, invariant=1
        ).build(story)
    return content.getvalue()


def parts(report: Report, sha256: str) -> list[tuple[str, Sequence[str], list[Mapping[str, Any]]]]:
    """Title, columns and rows of each part."""
    about: list[Mapping[str, Any]] = [{"name": name, "value": report[name]} for name in ABOUT]
    about += [
        {"name": "freshness", "value": report["freshness"]["newest_fact_recorded_at"]},
        {"name": "completeness", "value": report["completeness"]["percent"]},
        {"name": "sha256", "value": sha256},
    ]
    figures: list[Mapping[str, Any]] = [dict(row) for row in report["figures"]]
    completeness = report["completeness"]
    figures.append({"name": "completeness", "value": completeness["percent"], **completeness})
    found: list[tuple[str, Sequence[str], list[Mapping[str, Any]]]] = [
        ("about", ("name", "value"), about),
        ("figures", FIGURE_COLUMNS, figures),
    ]
    of_cases = CASE_COLUMNS if report["algorithm"] == BEFORE_LISTS else (*CASE_COLUMNS, *LIST_COLUMNS)
    for name, columns in (("drugs", DRUG_COLUMNS), ("cases", of_cases)):
        if name in report:
            found.append((name, columns, report[name]))
    return found


def harmless(cell: str) -> str:
    """The text, with a mark before what a spreadsheet would calculate."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _cells(row: Mapping[str, Any], columns: Iterable[str], language: Language) -> list[str]:
    return [_cell(row.get(column), column, language) for column in columns]


def _cell(value: Any, column: str, language: Language) -> str:
    if value is None:
        return NOTHING
    if column == "inputs":
        return "; ".join(f"{label(name, language)}: {count}" for name, count in value.items())
    text = str(value)
    return label(text, language) if column == "name" or text in LABELS else text


def _printed(text: str) -> str:
    return escape(face().writable(text))


def _table(
    heads: Sequence[str], columns: Sequence[str], rows: Iterable[Report], style: ParagraphStyle, language: Language
) -> Table:
    lines = [[Paragraph(_printed(text), style) for text in heads]]
    lines += [[Paragraph(_printed(cell), style) for cell in _cells(row, columns, language)] for row in rows]
    table = Table(lines, repeatRows=1, colWidths=[(landscape(A4)[0] - 56) / len(columns)] * len(columns))
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.25, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table
