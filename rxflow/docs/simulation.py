"""The page about the simulation: what can go wrong and what must hold, out of its own tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxflow import simulation
from rxflow.docs.markdown import code, first_paragraph, page, table
from rxflow.simulation import (
    accounts,
    circulation,
    demand,
    effects,
    goods,
    invariants,
    lawful,
    mishaps,
    money,
    packs,
    rest,
    shown,
)

EVERY_COMMIT, REST, END = "after every commit", "at rest", "at the end"
CHECKS: tuple[tuple[str, Callable[..., Any]], ...] = (
    (EVERY_COMMIT, invariants._prescribed_is_in_buckets),
    (EVERY_COMMIT, invariants._quantities_add_up),
    (EVERY_COMMIT, invariants._every_step_was_allowed),
    (EVERY_COMMIT, lawful.blocked_stays_in_the_shop),
    (EVERY_COMMIT, lawful.blocked_everywhere),
    (EVERY_COMMIT, lawful.reviews_are_lawful),
    (EVERY_COMMIT, lawful.released_was_passed),
    (EVERY_COMMIT, circulation.opened_is_prescribed),
    (EVERY_COMMIT, invariants._shelves_are_what_moved),
    (EVERY_COMMIT, invariants._codes_are_sold_once),
    (EVERY_COMMIT, packs.shelves_follow_the_supplies),
    (EVERY_COMMIT, packs.recalled_stays),
    (EVERY_COMMIT, goods.orders_add_up),
    (EVERY_COMMIT, goods.ordered_is_on_the_shelf),
    (EVERY_COMMIT, goods.counts_say_what_they_found),
    (EVERY_COMMIT, goods.substituted_is_lawful),
    (EVERY_COMMIT, money.money_always),
    (EVERY_COMMIT, money._ledger_is_zero),
    (EVERY_COMMIT, money._every_fen_is_explained),
    (EVERY_COMMIT, money._money_follows_the_claims),
    (EVERY_COMMIT, accounts.payments_are_true),
    (EVERY_COMMIT, accounts.years_follow_the_claims),
    (EVERY_COMMIT, accounts.billed_is_dispensed),
    (EVERY_COMMIT, effects.published),
    ("with every acknowledgement", effects.taken),
    (REST, circulation.both_know_the_same),
    (REST, lawful.both_ask_the_same),
    (REST, circulation.urgent_was_told),
    (REST, circulation.ends_or_waits),
    (REST, money.money_at_rest),
    (REST, accounts.settled_is_in_hands),
    (REST, demand.unfilled_is_known),
    (REST, goods.steps_of_orders_are_known),
    (REST, shown.lists_say_what_is),
    (REST, invariants.nobody_was_set_aside),
    (REST, rest.overdue),
    (REST, effects.arrived),
    (REST, effects.once),
    (REST, effects.differences_are_set_aside),
    (REST, effects.kept),
    (END, invariants.at_the_end),
    (END, money.money_at_the_end),
    (END, money.nobody_called),
    (END, circulation.requests_are_answered),
    (END, packs.recalled_is_off_the_shelves),
    (END, effects.lists),
    (END, effects.chains),
)
HOW = f"""
`rxflow simulate world --seed N --hours H` lives one world, without `--seed` 1,000 fresh ones (`make simulate`).

The same seed does the same again, to the byte. What is violated comes with the last that happened to whatever the
violation names, with as few kinds of mishaps as it takes, and with the command that shows it again. `--without` leaves
mishaps out. Stores are real SQLite files; the clocks of two services are up to {2 * mishaps.SKEW_SECONDS_MAX:.0f} s
apart (`clock-skew`). After a store came back from a backup that lacks something, the checks between services do not
apply any more: then every difference must wait for a person.

People do what is next, or anything else, in any order and at the same time. Doctors write ordinary prescriptions,
long-term supplies in instalments and what does not go together; they amend, sign again, answer what a counter asks,
cancel in part, as a whole or urgently, renew, replace and continue what others wrote. Pharmacists of the hospital, of
one that reviews for it and of one that does not take cases, put them back, pass them alone or in a batch, return and
refuse them, take over; some are the prescriber in person. The medical office stops lines. Pharmacies hold one line or
all, by code or nomination, review, refuse, scan, check and hand out; couriers and patients do as they like. Insurers do
not answer, or refuse; their officers order back and decide. Authorities call lots back and judge shortages. Pharmacies
order from suppliers, who confirm, delay, leave short; goods come in part, too many or twice.
They count, also what is held and wrong by a lot; they hold another brand, or another drug, than was prescribed.
Others try what is not theirs: another pharmacy, another patient, a doctor of another hospital. Whoever succeeds is a
violation.

What the real servers do is shown by `make chaos`, what either has found and how fast by [faults.md](faults.md).
"""


def simulation_page() -> str:
    """Mishaps and invariants."""
    chances = ((code(each.mishap), f"{each.share:.1%}", each.meaning) for each in mishaps.CHANCES)
    spells = (
        (code(each.mishap), f"{each.every_seconds:g} s", f"{each.seconds_max:g} s", each.meaning)
        for each in mishaps.SPELLS
    )
    checks = ((when, first_paragraph(check.__doc__)) for when, check in CHECKS)
    return page(
        "Simulation",
        first_paragraph(simulation.__doc__),
        HOW,
        "## What can go wrong at each occasion",
        table(("mishap", "share", "what happens"), chances),
        "## What begins by itself and lasts",
        table(("mishap", "about every", "for at most", "what happens"), spells),
        "## What must hold",
        table(("when", "what"), checks),
        "At the end every accepted command that an answer is kept for was sent again, word for word, and got its first"
        " answer.",
    )
