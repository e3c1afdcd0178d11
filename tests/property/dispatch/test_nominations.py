"""Whatever the patient chooses, in whatever order: without the code exactly the pharmacy chosen last may hold."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from tests.unit.dispatch.application.test_nominations import hold_without_code, nominate
from tests.unit.dispatch.town import A, B, Town, place

PLACES = {A: (28.20, 112.98, "430102"), B: (28.15, 112.95, "430103")}
PHARMACY = st.sampled_from([A, B])
STEP = st.one_of(
    st.tuples(st.just("choose"), st.sampled_from([A, B, None, "P99999999999"])),
    st.tuples(st.just("hold"), PHARMACY),
    st.tuples(st.just("show the code"), PHARMACY),
    st.tuples(st.just("suspend"), PHARMACY),
    st.tuples(st.just("admit"), PHARMACY),
    st.tuples(st.just("expire")),
)


class Model:
    """What is expected, kept apart from the product: who was chosen, who is admitted, what is left."""

    def __init__(self) -> None:
        self.chosen: str | None = None
        self.admitted = {A, B}
        self.left = 60
        self.over = False

    def choose(self, pharmacy: str | None) -> str | None:
        """The problem to expect; None: it is taken over."""
        if self.over:
            return "fulfilment.wrong_state"
        if pharmacy is not None and pharmacy not in self.admitted:
            return "pharmacy.not_admitted"
        self.chosen = pharmacy
        return None

    def hold(self, pharmacy: str, quantity: int, *, code_shown: bool) -> str | None:
        if not code_shown and pharmacy != self.chosen:
            return "hold.not_nominated"
        if pharmacy not in self.admitted:
            return "pharmacy.not_admitted"
        if self.over:
            return "fulfilment.wrong_state"
        if quantity > self.left:
            return "hold.not_enough_remaining"
        self.left -= quantity
        return None


def told(town: Town, model: Model, fulfilment: UUID, name: str, who: str | None) -> tuple[str | None, str | None]:
    """(the problem there was, the problem expected)."""
    if name == "choose":
        outcome, expected = nominate(town, fulfilment, who), model.choose(who)
    elif name == "hold":
        outcome, expected = (
            hold_without_code(town, fulfilment, 20, str(who)),
            model.hold(str(who), 20, code_shown=False),
        )
    else:
        outcome, expected = (
            town.try_hold(fulfilment, (1, 20), pharmacy=str(who)),
            model.hold(str(who), 20, code_shown=True),
        )
    return outcome.refusal.code if outcome.refusal else None, expected


@given(st.lists(STEP, max_size=16))
@settings(max_examples=60, deadline=None)
def test_without_the_code_exactly_who_was_chosen_last_holds(steps: list[tuple[str, ...]]) -> None:
    town, model = Town(), Model()
    fulfilment = town.release(60)
    for name, *arguments in steps:
        who = arguments[0] if arguments else None
        if name == "expire":
            town.expire(fulfilment)
            model.over = True
        elif name in {"suspend", "admit"}:
            town.load("pharmacy", str(who), place(*PLACES[str(who)]), suspended=name == "suspend")
            (model.admitted.discard if name == "suspend" else model.admitted.add)(str(who))
        else:
            got, expected = told(town, model, fulfilment, name, who)
            assert got == expected, (name, who)
    state = town.state(fulfilment)
    assert state.nominated_pharmacy == model.chosen
    assert FULFILMENTS.fold(town.store.streams[fulfilment]) == state
    assert all(hold.right == "token" or hold.pharmacy in {A, B} for hold in state.holds.values())
