"""Problems of the dispatch service: deliveries, couriers, returns."""

from contracts.errors.catalogue import Problem
from contracts.errors.dispatch import WRONG_STATE

_IRREGULARITY = (
    Problem("irregularity.unknown", 404, "Unknown irregularity", "Nothing of this organisation bears this id."),
    Problem(
        "irregularity.explained",
        409,
        "Explained already",
        "An explanation is given once and stands; it says who gave it.",
    ),
)

PROBLEMS: tuple[Problem, ...] = (
    Problem("delivery.unknown", 404, "No such delivery", "The id is wrong."),
    Problem(
        "delivery.not_yours", 403, "Not your delivery", "Its pharmacy, its courier and its patient know a delivery."
    ),
    Problem("delivery.wrong_state", 409, "Wrong state", WRONG_STATE),
    Problem("delivery.attempts_used_up", 409, "Attempts used up", "No further attempt; the parcel goes back."),
    Problem(
        "delivery.storage_differs", 409, "Different storage", "Nothing travels with frozen goods: send them apart."
    ),
    Problem(
        "delivery.logger_missing",
        422,
        "Logger missing",
        "What must stay cold travels with a started temperature logger (药品经营质量管理规范附录 冷藏冷冻药品).",
    ),
    Problem(
        "delivery.logger_out_of_range", 409, "Logger out of range", "Read the logger first: cold goods only go on cold."
    ),
    Problem("delivery.seal_differs", 409, "Another seal", "The parcel does not bear the seal it was packed with."),
    Problem(
        "delivery.seal_broken", 409, "Seal broken", "The patient may refuse it; nothing of it is restocked unseen."
    ),
    Problem("delivery.retry_time", 422, "Not a time for another attempt", "In the future, and not later than `until`."),
    Problem(
        "delivery.excursion_open",
        409,
        "Temperature excursion",
        "Open or rejected: not handed over, tried again, delivered or restocked until the quality manager decides.",
        final=False,
    ),
    Problem("delivery.excursion_unknown", 404, "No such excursion", "Excursions of a delivery are numbered from 1."),
    Problem("delivery.excursion_assessed", 409, "Already assessed", "An excursion is decided once."),
    Problem(
        "delivery.frozen", 409, "It was frozen", "What must not freeze is not released, whatever its mean temperature."
    ),
    Problem("delivery.time_in_future", 422, "Time in the future", "The logger's or courier's clock is wrong."),
    Problem(
        "delivery.time_before_handover",
        422,
        "Before the courier had it",
        "By the courier's clock it happened before the parcel was handed over; it counts with the hand-over's moment.",
    ),
    Problem("delivery.too_many_readings", 422, "Too many readings", "Read the logger less often."),
    Problem("delivery.too_many_reports", 429, "Too many messages", "About one parcel there is not so much to say."),
    Problem("delivery.not_in_parcel", 422, "Not in this parcel", "Lines and packs are those of its supply."),
    Problem(
        "delivery.nothing_accepted", 422, "Nothing accepted", "A parcel refused as a whole is refused at the door."
    ),
    Problem("delivery.packs_differ", 422, "Other packs", "Each pack counted has one verdict; see `facts`."),
    Problem("delivery.count_differs", 409, "Packs are missing", "Fewer came back than went out."),
    Problem("delivery.reason_missing", 422, "Reason missing", "What is not sold again is so for a reason."),
    Problem(
        "delivery.not_restockable",
        409,
        "May not be sold again",
        "Only with a whole seal, never with the patient or lost, no excursion open or rejected, logger complete "
        "(药品经营质量管理规范: 除药品质量原因外, 药品一经售出, 不得退换).",
    ),
    Problem(
        "delivery.just_taken",
        409,
        "A pack was taken a moment ago",
        "`supply_id` has a pack that was on the shelf again, and is not shown yet: ask again.",
        final=False,
    ),
    Problem("delivery.was_with_patient", 409, "Was with the patient", "The patient had the parcel open."),
    Problem("delivery.was_lost", 409, "Was lost", "Nobody knows where it was."),
    Problem(
        "delivery.logger_incomplete", 409, "Logger incomplete", "From packing to return there is a gap in the readings."
    ),
    Problem(
        "delivery.identity_unchecked", 409, "Identity not checked", "Something in it is given only against a document."
    ),
    Problem("delivery.unattended", 409, "Left unattended", "What must stay cold is given into somebody's hands."),
    Problem(
        "delivery.no_label",
        409,
        "No label",
        "The patient was forgotten: there is no address any more.",
    ),
    Problem("courier.unknown", 404, "No such courier", "The register has no entry with this code."),
    Problem("courier.not_admitted", 409, "Courier not admitted", "The register has no entry in force for it today."),
    Problem(
        "courier.not_qualified",
        409,
        "Courier not qualified",
        "The agreement has ended, or the parcel must stay cold and the courier cannot (委托配送: 资质与协议).",
    ),
    Problem("irregularity.unknown", 404, "Unknown irregularity", "Nothing of this organisation bears this id."),
    Problem(
        "irregularity.explained", 409, "Explained already", "It is explained once, and stands with whoever gave it."
    ),
)
