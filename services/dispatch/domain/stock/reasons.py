"""Why the books of a lot are corrected, as one table. A reason says which way it can change them.

Names after 药品经营质量管理规范 (GSP, 2016): 验收, 养护, 盘点, 不合格药品处理. A pharmacy's own system maps the reasons
it knows to these when it reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AdjustmentReason:
    """`up`, `down`: whether it may add to the books, and take from them."""

    meaning: str
    up: bool = False
    down: bool = False


ADJUSTMENT_REASONS: Mapping[str, AdjustmentReason] = {
    "found": AdjustmentReason("盘盈: packs found that the books did not have", up=True),
    "missing": AdjustmentReason("盘亏: packs of the books that are not there", down=True),
    "broken": AdjustmentReason("破损: broken or spilt in the pharmacy", down=True),
    "discarded": AdjustmentReason("拆零药品销毁: the rest of an opened pack, past its own date or spoilt", down=True),
    "stolen": AdjustmentReason("被盗: stolen, reported to the police", down=True),
    "sampled": AdjustmentReason("抽检: taken by the authority as a sample", down=True),
    "sent_back": AdjustmentReason("购进退出: sent back to the supplier", down=True),
    "moved_out": AdjustmentReason("调出: moved to another pharmacy of the chain", down=True),
    "moved_in": AdjustmentReason("调入: moved here from another pharmacy of the chain", up=True),
    "sold_otherwise": AdjustmentReason("sold without a prescription of this system", down=True),
    "booking_error": AdjustmentReason("记账错误: a booking that was wrong", up=True, down=True),
    "counted": AdjustmentReason("盘点: the difference of a count", up=True, down=True),
}


def allows(reason: str, change: int) -> bool:
    """Whether a reason may change the books this way; an unknown one never does."""
    known = ADJUSTMENT_REASONS.get(reason)
    return known is not None and (known.up if change > 0 else known.down)
