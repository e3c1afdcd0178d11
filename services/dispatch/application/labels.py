"""What stands on a parcel: who gets it where, and how it is to be handled. Never a drug or a diagnosis.

Whoever sees the parcel learns no more than from any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.dispatch.application.views import masked
from services.dispatch.domain.delivery.state import DeliveryState

FLAGS = {
    "refrigerated": "冷藏 2-8\N{DEGREE SIGN}C · 请勿冷冻",
    "frozen": "冷冻 -25 至 -10\N{DEGREE SIGN}C",
    "identity": "须核对身份证件",
    "attended": "须当面交付, 不得放入快递柜",
    "sealed": "封签破损请拒收",
}
"""How the parcel is handled, in the courier's words."""


@dataclass(frozen=True)
class Label:
    """One parcel's label. The telephone is masked."""

    parcel_no: str
    name: str
    phone: str
    address: str
    seal_no: str
    flags: tuple[str, ...]


def label_of(state: DeliveryState) -> Label | None:
    """None before it is packed, and once the patient is forgotten."""
    created = state.created
    if created is None or created.contact is None or state.seal_no is None:
        return None
    flags: list[str] = [name for name in ("refrigerated", "frozen") if name == state.storage]
    flags += ["identity"] if created.identity_required else []
    flags += ["attended"] if created.cold_chain else []
    return Label(
        parcel_no=parcel_no(str(created.delivery_id)),
        name=created.contact.name,
        phone=masked(created.contact.phone),
        address=created.contact.address,
        seal_no=state.seal_no,
        flags=tuple(FLAGS[name] for name in (*flags, "sealed")),
    )


def parcel_no(delivery_id: str) -> str:
    """Short enough to be read out; what is scanned is the whole id."""
    return delivery_id.replace("-", "")[-12:].upper()
