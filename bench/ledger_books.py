"""The books: what the provider was paid beside what became of the orders. Knows of no process and no wire."""

import collections

# In these something is still to become of an order, a payment, a refund.
UNDER_WAY = {
    "order": ("placing", "busy", "reserved", "open", "paying", "taking", "refunding"),
    "payment": ("open", "refunding"),
    "refund": ("refunding",),
}
ROWS = ("orders", "orders, refunded in part", "refunds", "reviews")

# What a payment that was paid says became of it.
FATE_OF = {"paid": "orders", "refunded": "refunds", "review": "reviews"}


def is_final(order):
    states = [("order", order["state"])]
    states += [("payment", payment["state"]) for payment in order["payments"]]
    states += [("refund", refund["state"]) for refund in order["refunds"]]
    return all(state not in UNDER_WAY[kind] for kind, state in states)


class Books:
    """Takes one order after the other, once all has come to rest; `differences` says what does not fit."""

    def __init__(self, ledger, reviews):
        # What the provider says of payments that no order has told of yet.
        self.ledger = {payment["id"]: payment for payment in ledger}
        self.reviews = collections.Counter((review["id"], review["payment"]) for review in reviews)
        self.rows = {row: [0, 0] for row in ROWS}
        self.paid, self.not_paid, self.given_back, self.back = [0, 0], [0, 0], [0, 0], [0, 0]
        self.states, self.sold = collections.Counter(), collections.Counter()
        # Why refunds began by themselves.
        self.why = collections.Counter()
        self.differences = []

    def differ(self, about, what):
        self.differences.append(f"{about}: {what}")

    def order(self, order):
        self.states[order["state"]] += 1
        self.sold.update(sold_to(order))
        self.why.update(refund["why"] or "asked for" for refund in order["refunds"])
        if not is_final(order):
            self.differ(order["id"], f"is {order['state']}, {told(order)}")
        paying = [payment for payment in order["payments"] if payment["state"] == "paid"]
        is_paid = order["state"] in ("paid", "fulfilled")
        if is_paid != (len(paying) == 1):
            self.differ(order["id"], f"is {order['state']} by {len(paying)} payments, {told(order)}")
        for payment in order["payments"]:
            self.payment(order, payment)
        names = {payment["payment"] for payment in order["payments"]}
        for refund in order["refunds"]:
            if refund["payment"] not in names:
                self.differ(order["id"], f"refund {refund['refund']} is of no payment")

    def payment(self, order, payment):
        """Each payment has one fate, and the provider and the order tell the same of it."""
        said = self.ledger.pop(payment["number"], None)
        if said is None:
            self.never_made(order, payment)
            return
        about = f"{order['id']} {payment['payment']} ({payment['number']})"
        both = [(said["amount"], payment["amount"]), (said["order"], order["id"])]
        if said["paid_amount"] is not None:
            both += [(said["paid_amount"], payment["paid_amount"])]
            both += [(said["paid_at_ms"], payment["paid_at_ms"])]
        if any(theirs != ours for theirs, ours in both):
            self.differ(about, f"the provider says {said}, {told(order)}")
        self.refunds(order, payment, said, about)
        if said["paid_amount"] is None:
            add(self.not_paid, said["amount"])
            if payment["state"] != "failed":
                self.differ(about, f"is {payment['state']}, the provider says {said['status']}, {told(order)}")
            return
        add(self.paid, said["paid_amount"])
        fates = self.fates(order, payment, said)
        own = FATE_OF.get(payment["state"], "nothing")
        if len(fates) == 1 and fates[0].startswith(own):
            add(self.rows[fates[0]], said["paid_amount"])
        else:
            what = f"is {payment['state']}, and is found in {' and '.join(fates) or 'nothing'}"
            self.differ(about, f"{what}; the provider says {said}, {told(order)}")

    def never_made(self, order, payment):
        add(self.not_paid, payment["amount"])
        if payment["state"] != "failed":
            about = f"{order['id']} {payment['payment']}"
            self.differ(about, f"is {payment['state']}, and the provider does not know it, {told(order)}")

    def fates(self, order, payment, said):
        """Which of the three became of a payment that was paid, by each place on its own: the order's state,
        the provider, the reviews. What the payment itself says must be that."""
        fates = []
        back = sum(refund["amount"] for refund in said["refunds"] if refund["status"] == "done")
        is_whole = back == said["paid_amount"]
        if payment["state"] == "paid" and order["state"] in ("paid", "fulfilled") and not is_whole:
            fates.append("orders, refunded in part" if back else "orders")
        if is_whole:
            fates.append("refunds")
        if self.reviews[order["id"], payment["payment"]]:
            fates.append("reviews")
        return fates

    def refunds(self, order, payment, said, about):
        """What went back at the provider is what the order says went back."""
        theirs = sorted(refund["amount"] for refund in said["refunds"] if refund["status"] == "done")
        of_it = [refund for refund in order["refunds"] if refund["payment"] == payment["payment"]]
        ours = sorted(refund["amount"] for refund in of_it if refund["state"] == "refunded")
        for amount in theirs:
            add(self.given_back, amount)
        for amount in ours:
            add(self.back, amount)
        if theirs != ours or sum(ours) != payment["refunded"]:
            self.differ(about, f"the provider gave {theirs} back, {told(order)}")

    def close(self, stock):
        """Once all orders were taken: what is left over, units, and sums."""
        for number, payment in self.ledger.items():
            self.differ(payment["order"], f"the provider has payment {number}, the order does not")
        for sku, units in stock.items():
            self.units(sku, units)
        self.sums()

    def units(self, sku, units):
        """What was sold is what orders that were paid have, and nothing is held."""
        is_whole = units["available"] + units["held"] + units["sold"] == units["total"]
        if not is_whole or units["held"] or units["sold"] != self.sold[sku]:
            self.differ(sku, f"has {units}, orders have {self.sold[sku]} of it")

    def sums(self):
        """Once more over all: what came in is what it became."""
        for n, what in enumerate(("payments", "minor units")):
            became = sum(row[n] for row in self.rows.values())
            if became != self.paid[n]:
                self.differ("all", f"{self.paid[n]} {what} were paid, {became} became something")
        if self.given_back != self.back:
            self.differ("all", f"the provider made refunds {self.given_back}, the orders {self.back}")


def add(row, amount):
    row[0] += 1
    row[1] += amount


def sold_to(order):
    """Units that an order has of each SKU: of one that was paid, but what came back before it was fulfilled."""
    states = [step["state"] for step in order["history"]]
    if "paid" not in states:
        return {}
    behind = states[states.index("paid") :]
    is_fulfilled_first = "fulfilled" in behind and (
        "refunding" not in behind or behind.index("fulfilled") < behind.index("refunding")
    )
    units = collections.Counter()
    for line in order["lines"]:
        units[line["sku"]] += line["quantity"] - (0 if is_fulfilled_first else line["refunded"])
    return units


def told(order):
    """What an order says of itself, in one line."""
    steps = [step["state"] + (f" ({step['why']})" if step["why"] else "") for step in order["history"]]
    payments = [f"{one['payment']} {one['state']} {one['paid_amount']}" for one in order["payments"]]
    refunds = [f"{one['refund']} {one['state']} {one['amount']}" for one in order["refunds"]]
    return f"the order says {' > '.join(steps)}; {'; '.join(payments + refunds)}"
