"""Screening: rules that look at a prescription before a person does. They advise or block; they never approve."""

from services.review.domain.screening.rule import Rule
from services.review.domain.screening.screen import screen, unavailable
from services.review.domain.screening.subject import Subject
from services.review.domain.screening.table import RULES

__all__ = ["RULES", "Rule", "Subject", "screen", "unavailable"]
