"""Problems of the dispatch service: retail fill and stock."""

from contracts.errors.catalogue import Problem

WRONG_STATE = "Only the transitions of the aggregate's table are allowed; `facts` name the state and what was tried."

_FULFILMENT = (
    Problem("fulfilment.unknown", 404, "No such fulfilment", "Not opened yet, or the id is wrong."),
    Problem("fulfilment.not_yours", 403, "Not your fulfilment", "Patients see their own, pharmacies what they hold."),
    Problem("fulfilment.wrong_state", 409, "Wrong state", WRONG_STATE),
    Problem(
        "fulfilment.content_unknown",
        409,
        "Prescription content missing",
        "An instalment was opened whose release never arrived: the feed of the prescription has a hole.",
    ),
    Problem("line.unknown", 422, "No such line", "Lines are numbered as on the prescription."),
    Problem(
        "token.wrong", 403, "Wrong code", "The patient's token is not this one. Wrong codes are counted and locked."
    ),
    Problem(
        "token.locked",
        423,
        "Locked after wrong codes",
        "Too many wrong codes by this person or for this fulfilment; no code is looked at until `until`.",
        final=False,
    ),
    Problem("token.used_up", 410, "Token used up", "Everything of this fulfilment has ended; `outcome` says how."),
    Problem(
        "pharmacy.not_admitted",
        403,
        "Pharmacy not admitted",
        "The register has no entry in force for this pharmacy today (药品经营许可, 准入).",
    ),
    Problem(
        "person.not_qualified",
        403,
        "Person not qualified for this step",
        "The register must know the person today, in the step's profession, at this pharmacy (药品经营质量管理规范).",
    ),
    Problem("product.unknown", 422, "Unknown product", "The drug register has no such national code (医保药品代码)."),
)

_HOLD = (
    Problem("hold.unknown", 404, "No such hold", "The fulfilment has no hold with this id."),
    Problem("hold.not_yours", 403, "Another pharmacy's hold", "Only the pharmacy that holds may go on with it."),
    Problem("hold.wrong_state", 409, "Wrong state", WRONG_STATE),
    Problem(
        "hold.wrong_secret", 403, "Wrong hold secret", "Show the secret of the hold; the holder can fetch it again."
    ),
    Problem(
        "hold.not_nominated",
        403,
        "Neither code nor nomination",
        "Without the patient's code only the pharmacy that the patient has nominated may hold.",
    ),
    Problem("hold.expired", 409, "Hold expired", "The quantity is free again; hold it anew if it still is."),
    Problem(
        "hold.validity_over",
        410,
        "Validity over",
        "No new hold after the prescription's last day of validity (处方管理办法 第18条: 当日, 最长3天).",
    ),
    Problem("hold.line_twice", 422, "Line named twice", "Each line appears once in a hold."),
    Problem(
        "hold.not_enough_remaining",
        409,
        "Not enough remaining",
        "The rest is held, dispensed or already supplied elsewhere; `facts` say how much remains.",
    ),
    Problem(
        "hold.counter_only",
        409,
        "Counter only",
        "This drug may not be delivered (药品网络销售禁止清单, or by its nature); choose the counter.",
    ),
    Problem(
        "hold.online_order_unconfirmed",
        409,
        "Online order not confirmed",
        "Before a prescription medicine is sent, the patient says who they are by real name and confirms the risk "
        "notice (药品网络销售监督管理办法 第9条, 第13条).",
        final=False,
    ),
    Problem(
        "online_order.other_notice",
        409,
        "Another notice",
        "The risk notice that holds today is the one to be read and confirmed: `GET /online-notice`.",
    ),
    Problem(
        "online_order.name_differs",
        409,
        "Another name",
        "An online order is the patient's own: the name must be the one on the prescription (实名).",
    ),
    Problem(
        "hold.other_drug",
        422,
        "Another drug",
        "A pharmacy may take another brand of the same generic name, form and strength, nothing else.",
    ),
    Problem(
        "hold.line_blocked",
        409,
        "Line blocked",
        "The line waits for the prescriber's answer; until then no pharmacy may hold it (药品管理法 §58).",
        final=False,
    ),
    Problem(
        "refusal.unknown_code",
        422,
        "Unknown code",
        "A refusal names a code of the official list (医院处方点评管理规范), or `forged`; `codes` lists them.",
    ),
    Problem(
        "hold.over_allocation",
        409,
        "More than is allotted",
        "The drug is short, and one supply covers `max_days` at most: hold `max_quantity` or less; the rest stays "
        "with the prescription.",
        final=False,
    ),
    Problem(
        "hold.nothing_to_replace",
        409,
        "Nothing to replace",
        "Nothing of this supply has come back, or it is replaced, cancelled or lapsed already.",
    ),
    Problem(
        "hold.replaced_elsewhere",
        403,
        "Replaced by its own pharmacy",
        "What came back after validity is supplied again by the pharmacy that supplied it, by no other.",
    ),
    Problem("hold.replacing_over", 410, "Too late to replace", "The days in which it could be replaced are over."),
    Problem(
        "hold.signature_unseen",
        409,
        "No signature check",
        "Only what was checked for its signature is reviewed (处方签名验签); of this one nothing is known.",
        final=False,
    ),
    Problem(
        "hold.signature_stale",
        409,
        "Another signature check",
        "The prescription was signed anew since it was read: read it again; `signature_serial` names the check.",
    ),
    Problem(
        "hold.signature_degraded",
        409,
        "Signature not checked in full",
        "Something about the prescriber's signature could not be checked; the pharmacist must say that they know.",
    ),
    Problem("hold.not_held", 422, "Not held", "The hold does not hold this quantity of this line."),
)

_SUPPLY = (
    Problem("supply.unknown", 404, "No such supply", "The fulfilment has no supply with this id."),
    Problem(
        "supply.not_yours", 403, "Another pharmacy's supply", "Only the pharmacy that prepared it may go on with it."
    ),
    Problem("supply.wrong_state", 409, "Wrong state", WRONG_STATE),
    Problem("supply.already_prepared", 409, "Already prepared", "Put the packs back before preparing again."),
    Problem("supply.other_product", 422, "Another product", "The scanned product is not the one the hold reserved."),
    Problem("supply.more_than_held", 409, "More than held", "A supply gives at most what its hold holds."),
    Problem(
        "supply.codes_missing",
        422,
        "Trace codes do not match the packs",
        "One trace code per pack, or a coded reason why there is none (药品追溯码: 先扫码后结算).",
    ),
    Problem(
        "supply.unknown_reason",
        422,
        "Unknown reason",
        "Reasons for no trace code, or for another lot, are coded; `reasons` lists those that count here.",
    ),
    Problem(
        "supply.photo_missing",
        422,
        "Photo missing",
        "A code that cannot be read is photographed; send the photo's SHA-256.",
    ),
    Problem(
        "supply.pack_not_splittable",
        409,
        "Pack may not be opened",
        "Whole packs only: quantities are never rounded up, so hold another quantity or another pack size.",
    ),
    Problem(
        "supply.opened_pack_first",
        409,
        "An opened pack is there",
        "What is open is used up before another pack is opened (拆零); otherwise give the reason with the lot.",
    ),
    Problem("supply.nothing_owed", 409, "Nothing owed", "Nothing of this line remains to be given."),
    Problem("supply.code_twice", 422, "Trace code scanned twice", "Each pack has a code of its own."),
    Problem("supply.too_many_packs", 422, "Too many packs", "Hand out what is ready before preparing more."),
    Problem(
        "supply.not_first_expired",
        409,
        "A lot that expires earlier is there",
        "First expired, first out (近效期先出); otherwise give the reason with the lot.",
    ),
    Problem(
        "supply.checker_is_preparer",
        403,
        "Checked by the preparer",
        "Preparing and checking are done by two persons (四查十对; 调配与复核分离).",
    ),
    Problem(
        "supply.no_price", 409, "No price", "The pharmacy's stock has no price for this product: book a receipt first."
    ),
    Problem(
        "supply.not_cleared",
        409,
        "Not cleared",
        "Nothing leaves the pharmacy before insurance and the patient's payment stand behind it (先结算, 再发药).",
        final=False,
    ),
    Problem("supply.wrong_pickup_code", 403, "Wrong pickup code", "Ask the patient for the code of this supply."),
    Problem(
        "supply.delivery_arranged", 409, "Delivery arranged", "A courier is to bring it; call the delivery off first."
    ),
    Problem("supply.line_twice", 422, "Line named twice", "Each line appears once."),
    Problem(
        "supply.not_in_hands", 409, "Not in the patient's hands", "The patient has no more of this line of this supply."
    ),
    Problem("supply.counter_only", 409, "Counter only", "Something in this supply may not be delivered."),
    Problem(
        "collector.patient_identity_missing",
        422,
        "Patient's identity missing",
        "Who collects for somebody else shows both identities (医疗保障基金使用监督管理条例 第17条).",
    ),
    Problem("collector.identity_invalid", 422, "Identity number invalid", "18 characters with check digit (GB 11643)."),
    Problem(
        "collector.agent_is_patient",
        422,
        "Agent and patient are one person",
        "Who collects for somebody else shows two identities: their own and the patient's.",
    ),
    Problem(
        "collector.minor",
        403,
        "Not to minors",
        "Second-class psychotropics are not given to minors (麻醉药品和精神药品管理条例 第32条).",
    ),
)

_STOCK = (
    Problem(
        "stock.not_enough",
        409,
        "Not enough stock",
        "The books do not have it, which is told to shortage monitoring; with the packs in hand say so.",
    ),
    Problem(
        "stock.lot_expires_soon",
        409,
        "Lot expires too soon",
        "A lot must last some days after it is given out; `lasts_until` is the earliest expiry that does.",
    ),
    Problem(
        "stock.opened_pack_expired",
        409,
        "Opened pack past its date",
        "An opened pack (拆零) has a date of its own; discard what is left of it.",
    ),
    Problem("stock.no_opened_pack", 404, "No such opened pack", "Nothing is left of it, or it was never opened."),
)

PROBLEMS: tuple[Problem, ...] = (*_FULFILMENT, *_HOLD, *_SUPPLY, *_STOCK)
