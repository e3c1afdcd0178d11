"""Problems of the dispatch service, continued: substitution and trace codes."""

from contracts.errors.catalogue import Problem

_SUBSTITUTION = (
    Problem(
        "substitution.no_protocol",
        409,
        "No protocol in force",
        "Another drug needs a substitution protocol of an open shortage that holds here today.",
    ),
    Problem(
        "substitution.other_protocol", 422, "Another protocol", "The protocol is about other drugs than this line's."
    ),
    Problem(
        "substitution.mode_not_allowed",
        409,
        "Mode not allowed here",
        "The jurisdiction's policy says who must agree to a substitute (cn: the prescriber signs each one).",
    ),
    Problem("substitution.no_consent", 409, "No consent", "The prescriber has not consented to a substitute."),
    Problem(
        "substitution.not_exact",
        422,
        "No exact quantity",
        "A substitute counts by the protocol's ratio without a remainder; choose a quantity that fits.",
    ),
    Problem("substitution.too_long", 409, "Too long", "The protocol limits the days of one supply; hold less."),
    Problem(
        "substitution.not_confirmed",
        409,
        "Not confirmed",
        "Propose the substitute; it may be given once the prescriber has signed it.",
        final=False,
    ),
    Problem("substitution.nothing_held", 422, "No substitute held", "The hold holds no substitute for this line."),
    Problem(
        "substitution.declined",
        409,
        "Declined",
        "The prescriber has declined this substitute on this line; the fulfilment's proposals say why.",
    ),
    Problem(
        "substitution.not_checked",
        409,
        "Not checked yet",
        "No prescriber is asked: propose the substitute under this hold; it may be given once its checks and its "
        "screening for this patient are known.",
        final=False,
    ),
    Problem(
        "substitution.unlawful",
        409,
        "Not as the law has it",
        "A prescriber could not write the substitute on this line either; `problem` is the check it does not pass.",
    ),
    Problem(
        "substitution.found",
        409,
        "Screening stands in the way",
        "The screening of the substitute for this patient found what no pharmacist may pass alone.",
    ),
    Problem(
        "substitution.unscreened",
        409,
        "Not screened",
        "The substitute could not be screened for this patient; acknowledge it, or propose it again later.",
    ),
    Problem(
        "substitution.prescriber_states",
        422,
        "The prescriber states it",
        "Whether the insurance's restriction is met is stated by the prescriber who signs for the substitute.",
    ),
    Problem(
        "substitution.patient_disagrees", 409, "Patient disagrees", "The patient must agree to substitute and price."
    ),
)

_TRACE = (
    Problem(
        "trace_code.malformed",
        422,
        "Not a trace code",
        "Neither 20 digits (药品追溯码), nor a GS1 element string, nor a code of a maker that is known here.",
    ),
    Problem(
        "trace_code.wrong_check_digit",
        422,
        "Wrong check digit",
        "Scan the code again; typed ones are misread easily.",
    ),
    Problem(
        "trace_code.no_serial",
        422,
        "No serial number",
        "The code names a product (GTIN), not a pack: scan the code with the serial (21) on it.",
    ),
    Problem(
        "trace_code.foreign_product",
        422,
        "Code of another product",
        "By the register, or by an earlier scan, packs of the picked product do not bear this code.",
    ),
    Problem(
        "trace_code.other_lot", 422, "Code of another lot", "The code names another lot or expiry than was picked."
    ),
    Problem(
        "trace_code.not_free",
        409,
        "Trace code not free",
        "Set aside for another supply: one code, one sale, over all pharmacies (一码一销).",
    ),
    Problem(
        "trace_code.repeated",
        409,
        "Trace code repeated",
        "Sold before, or in quarantine, destroyed, lost or taken back; or of a pack that another pharmacy sold or "
        "opened (拆零). Insurer and regulator are told.",
    ),
    Problem(
        "trace_code.pack_used_up", 409, "Not enough left", "The opened pack has less than this; `left` says how much."
    ),
    Problem(
        "trace_code.not_owner",
        409,
        "Another store owns the code",
        "The stores that ask and answer go by different lists of regional stores (RXFLOW_REGIONAL_STORES).",
    ),
    Problem(
        "trace_code.owner_away",
        503,
        "The code's owner does not answer",
        "Nobody in this region sold the pack, and the regional store that would know who did cannot be reached: set it "
        "apart and ask again in a while.",
        final=False,
    ),
    Problem("trace_code.unknown", 404, "Unknown trace code", "No pharmacy has ever scanned this code."),
    Problem("trace_code.not_sold", 409, "Not sold", "No sale of this code is known, so it cannot come back."),
)

PROBLEMS: tuple[Problem, ...] = (*_SUBSTITUTION, *_TRACE)
