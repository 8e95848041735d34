"""What is shown: how far it is, and at the end the ledger, as a table or as a document."""

import os
import sys
import time


class Bar:
    """How far it is, on a terminal."""

    WIDTH = 30
    EVERY_S = 0.1

    def __init__(self):
        self.is_shown = sys.stderr.isatty()
        self.next_s = 0
        self.tint, self.plain = ("", "") if os.environ.get("NO_COLOR") else ("\x1b[36m", "\x1b[0m")

    def show(self, what, done, of):
        now_s = time.monotonic()
        if self.is_shown and now_s >= self.next_s:
            self.next_s = now_s + self.EVERY_S
            full = self.WIDTH * done // max(of, 1)
            bar = f"{self.tint}{'━' * full}{self.plain}{' ' * (self.WIDTH - full)}"
            print(f"\r\x1b[K{what:<10}{bar} {done:,} of {of:,}", end="", file=sys.stderr, flush=True)

    def gone(self):
        if self.is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def document(seen, found):
    books = seen["books"]
    figures = ("orders", "orders_per_second", "seconds", "kills", "provider", "server", "retries")
    pairs = {"paid": books.paid, **books.rows, "not paid": books.not_paid, "given back": books.given_back}
    return {
        "balances": not found,
        "ledger": {name: {"payments": row[0], "amount": row[1]} for name, row in pairs.items()},
        "states": books.states, "refunds": books.why, "units_sold": books.sold.total(),
        **{name: seen[name] for name in figures}, "differences": found,
    }


def table(seen):
    books, provider, server = seen["books"], seen["provider"], seen["server"]
    print(f"{'':<28}{'payments':>12}{'amount':>18}")
    rows = {"paid at the provider": books.paid, **{f"  {name}": row for name, row in books.rows.items()}}
    for name, row in {**rows, "not paid": books.not_paid, "given back": books.given_back}.items():
        print(f"{name:<28}{row[0]:>12,}{row[1]:>18,}")
    groups = {
        "orders": {"": seen["orders"], **books.states},
        "refunds": {"": books.why.total(), **books.why},
        "webhooks": {"": provider["webhooks"], "lost": provider["lost"], "duplicated": provider["duplicated"],
                     "given up": provider["given up"], "taken in": server["order_webhooks_applied"],
                     "known already": server["order_webhooks_repeated"]},
        "calls": {"": server["courier_answered"] + server["courier_failed"], "answered": server["courier_answered"],
                  "failed": server["courier_failed"]},
        "paid late": {"": provider["paid late"]},
        "wrong amounts": {"": provider["paid wrong amounts"]},
        "kills": {"": seen["kills"], **{f"retried: {name}": count for name, count in seen["retries"].items()}},
    }
    for title, group in groups.items():
        for name, count in group.items():
            print(f"{'  ' + name if name else title:<28}{count:>12,}")
    print(f"{'units sold':<28}{books.sold.total():>12,}")
    print(f"{'orders/s':<28}{seen['orders_per_second']:>12,.1f}  ({seen['seconds']:,.1f} s in all)")
