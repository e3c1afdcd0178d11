"""Problems of a pharmacy's books: goods, lots, counts, quarantine."""

from contracts.errors.catalogue import Problem

_LOTS = (
    Problem("stock.not_yours", 403, "Another pharmacy's stock", "A pharmacy books its own goods."),
    Problem("stock.unknown", 404, "No such item", "This pharmacy never had this product."),
    Problem("stock.lot_unknown", 404, "No such lot", "This pharmacy never had this lot of the product."),
    Problem("stock.lot_differs", 409, "Another expiry for this lot", "One lot has one expiry; read the pack again."),
    Problem(
        "stock.lot_expired",
        409,
        "Lot expired",
        "An expired lot is neither booked in nor given out (药品管理法 第98条).",
    ),
    Problem("stock.below_zero", 409, "Below zero", "The books of a lot never say less than nothing."),
    Problem(
        "stock.lot_recalled",
        409,
        "Lot recalled",
        "A recalled lot is neither booked in nor given out, nor put back on the shelf (药品召回管理办法 第11条).",
    ),
    Problem("stock.lot_twice", 422, "Lot named twice", "Each lot appears once in a count."),
)

_BOOKINGS = (
    Problem(
        "stock.adjustment_reason",
        422,
        "Reason does not fit",
        "A correction has a reason of the table, and each reason says which way it may change the books; `reasons` "
        "names them.",
    ),
    Problem("stock.ahead_of_time", 422, "Ahead of time", "Nothing is booked for a moment that has not come yet."),
    Problem(
        "stock.too_long_ago",
        409,
        "Too long ago",
        "Bookings may be dated back to `earliest` at most (policy `stock_back_dating_days`).",
    ),
    Problem(
        "stock.not_in_quarantine",
        409,
        "Not in quarantine",
        "Only what has been set apart can be released or destroyed; `quarantined` says how much that is.",
    ),
)

_IMPORTS = (
    Problem("import.size", 422, "Wrong number of rows", "A request carries one to `max` rows."),
    Problem(
        "import.other_content",
        409,
        "Another row of this key",
        "A row is booked once; its key comes again with the same content only. Told in the row's report.",
    ),
)

_ORDERS = (
    Problem("order.unknown", 404, "No such order", "The id is wrong."),
    Problem("order.not_yours", 403, "Not your order", "Its pharmacy and its supplier know an order."),
    Problem("order.line_unknown", 404, "No such line", "The order has no line of this number."),
    Problem(
        "order.wrong_state",
        409,
        "Wrong state",
        "Only the transitions of the aggregate's table are allowed; `facts` name the state and what was tried.",
    ),
    Problem("order.line_differs", 409, "Another line of this number", "An order's line keeps what it was placed with."),
    Problem("order.other_supplier", 409, "Another supplier", "One order goes to one supplier; `supplier` names it."),
    Problem(
        "order.does_not_add_up",
        422,
        "Does not add up",
        "What is under way, comes later and never comes are together what is open of the line.",
    ),
    Problem(
        "order.more_than_open",
        409,
        "More than is open",
        "What came beyond the order is booked as a receipt of its own.",
    ),
)

_RECALLS = (
    Problem("recall.unknown", 404, "No such recall", "The id is wrong."),
    Problem("recall.differs", 409, "Another recall of this id", "A recall keeps the product and lots it began with."),
    Problem("recall.not_yours", 403, "Not your product", "A maker recalls its own: the code's last five characters."),
    Problem("recall_notice.unknown", 404, "No such notice", "The id is wrong."),
    Problem("recall_notice.not_yours", 403, "Not your notice", "Patients acknowledge what they were told themselves."),
)

_TRANSFERS = (
    Problem("transfer.unknown", 404, "No such transfer", "No transfer with this id was proposed to your pharmacy."),
    Problem("transfer.wrong_state", 409, "Not in this state", "The transfer has no such step in `state`."),
    Problem("transfer.other_side", 403, "The other side's step", "The giver sends, the taker receives."),
    Problem("transfer.no_reason", 422, "No reason", "Whoever declines says why: somebody lacks the medicine."),
    Problem("transfer.too_late", 410, "Too late", "The days in which it could be answered are over."),
    Problem(
        "transfer.not_free",
        409,
        "Not free any more",
        "What is free on the shelf is less than what was agreed; decline, or send once there is enough.",
        final=False,
    ),
)

PROBLEMS = (*_LOTS, *_BOOKINGS, *_IMPORTS, *_ORDERS, *_RECALLS, *_TRANSFERS)
