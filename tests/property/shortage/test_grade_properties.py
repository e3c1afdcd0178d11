"""Grades are monotone: what is worse in any respect is never graded milder."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shortage.domain.grading import GradeInputs, graded
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.values import DrugClass

POLICY = POLICIES.of("cn").versions[-1]
counts = st.integers(0, 8)
shares = st.one_of(st.none(), st.floats(0, 1))
inputs = st.builds(
    GradeInputs,
    pharmacies=counts,
    in_one_county=counts,
    cities=counts,
    provinces=counts,
    county_share=shares,
    city_share=shares,
    drug_class=st.sampled_from(DrugClass),
    nationally_listed=st.booleans(),
    sole_supplier_stopped=st.booleans(),
    restoration_known=st.booleans(),
)


@given(before=inputs, more=st.tuples(counts, counts, counts, counts), share=st.floats(0, 1), worse=st.data())
@settings(max_examples=300, deadline=None)
def test_worse_inputs_never_give_a_milder_grade(
    before: GradeInputs, more: tuple[int, int, int, int], share: float, worse: st.DataObject
) -> None:
    names = ("pharmacies", "in_one_county", "cities", "provinces")
    grown = {name: getattr(before, name) + extra for name, extra in zip(names, more, strict=True)}
    classes = [each for each in DrugClass if each <= before.drug_class]
    changed = {
        **grown,
        "county_share": max(before.county_share or 0.0, share),
        "city_share": max(before.city_share or 0.0, share),
        "drug_class": worse.draw(st.sampled_from(classes)),
        "nationally_listed": before.nationally_listed or worse.draw(st.booleans()),
        "sole_supplier_stopped": before.sole_supplier_stopped or worse.draw(st.booleans()),
        "restoration_known": before.restoration_known and worse.draw(st.booleans()),
    }
    after = before.model_copy(update=changed)

    assert graded(after, POLICY.grades)[0].severity >= graded(before, POLICY.grades)[0].severity
