"""Who reviews whose prescriptions (委托审方), as the register says; used by the lists of cases."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from contracts.registers import ReviewAgreement
from services.review.projections import METADATA
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.reference import EntryRecorded

AGREEMENTS = sa.Table(
    "review_agreements",
    METADATA,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("reviewed_by", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Index("review_agreements_reviewed_by", "reviewed_by"),
)


def of_organisation(institution: sa.Column[str]) -> sa.ColumnElement[bool]:
    """The institution is `:organisation`, or has its prescriptions reviewed by it on the day `:today`."""
    organisation, today = sa.bindparam("organisation", type_=sa.Text), sa.bindparam("today", type_=sa.Text)
    delegated = sa.select(AGREEMENTS.c.institution).where(
        AGREEMENTS.c.reviewed_by == organisation,
        AGREEMENTS.c.suspended.is_(sa.false()),
        AGREEMENTS.c.valid_from <= today,
        sa.or_(AGREEMENTS.c.valid_until.is_(None), AGREEMENTS.c.valid_until >= today),
    )
    return sa.or_(institution == organisation, institution.in_(delegated))


def project(recorded: Recorded) -> Iterator[Operation]:
    """Each entry as it stands now."""
    entry = recorded.event
    if isinstance(entry, EntryRecorded) and entry.kind == "review_agreement":
        content = ReviewAgreement.model_validate(entry.content)
        row = {
            "code": entry.code,
            "institution": content.institution,
            "reviewed_by": content.reviewed_by,
            "valid_from": entry.valid_from.isoformat(),
            "valid_until": entry.valid_until.isoformat() if entry.valid_until else None,
            "suspended": entry.suspended,
        }
        yield Put(AGREEMENTS, row)


REVIEW_AGREEMENTS = Projection(name="review_agreements", tables=(AGREEMENTS,), project=project)
