#!/usr/bin/env python3
"""Orders and payments through a server that is killed and a provider that misbehaves, and then the ledger:
every payment that the provider has is exactly one of an order, a refund, or open in the reviews.

    bench/ledger.py --binary target/release/tidegate --orders 100000
    bench/ledger.py --binary target/debug/tidegate --orders 400 --short

Exits with 1, and the first differences, if the books do not balance. Traffic stays on this machine.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # The modules beside this one leave nothing in the repository.

from ledger_books import Books, is_final
from ledger_orders import Shop, plans, skus_of, stock_of
from ledger_processes import Provider, Server, end
from ledger_report import Bar, document, table
from ledger_wire import Client, Refused

# What a short run has in place of the usual, so that it ends within a minute.
SHORT = {"rate": 20, "ttl": 8, "late_by": 5, "outage": 3, "refund_after": 0, "garbage": 0, "patience": 60}
CONNECTIONS, IN_FLIGHT = 16, 64
# So many wrong amounts at least, however few orders there are.
WRONG_MIN = 8
PAGE = 100
# Orders that are looked at in one go: a million of them would not fit in memory.
CHUNK = 1_000
POLL_S = 1
DIFFERENCES_SHOWN = 10


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binary", default="target/release/tidegate", help="the program [%(default)s]")
    add("--orders", type=int, default=10_000, help="how many [%(default)s]")
    add("--seed", type=int, default=1, help="decides what buyers, the shop and the provider do [%(default)s]")
    add("--kills", type=int, default=3, help="how often the server is killed; the last time for long [%(default)s]")
    add("--rate", type=float, default=500, help="orders a second at most [%(default)s]")
    add("--ttl", type=float, default=15, help="seconds until an order expires [%(default)s]")
    add("--late-by", type=float, default=15, help="late buyers pay so many seconds later at most [%(default)s]")
    add("--outage", type=float, default=10, help="seconds that the provider is down, in the midst [%(default)s]")
    add("--refund-after", type=float, default=2, help="refunds are pending so many seconds at most [%(default)s]")
    add("--garbage", type=float, default=0.01, help="share of the provider's answers that are nonsense [%(default)s]")
    add("--patience", type=float, default=300, help="seconds until all must have come to rest at the end [%(default)s]")
    add("--short", action="store_true", help=f"the settings of a short run: {SHORT}")
    add("--json", action="store_true", help="print one JSON document")
    add("--keep", action="store_true", help="keep the folder, and say where it is")
    if "--short" in sys.argv:
        parser.set_defaults(**SHORT)
    options = parser.parse_args()
    if not os.access(options.binary, os.X_OK):
        parser.error(f"{options.binary} is no program; build it, or name one by --binary")
    return options


def ms(seconds):
    return int(seconds * 1_000)


def troubles(options):
    """What the provider is told to do wrong."""
    shares = {
        "never-pays": 0.04, "fails": 0.05, "late": 0.05, "lose": 0.2, "duplicate": 0.1, "reorder": 0.2,
        "wrong-amount": min(0.5, max(0.001, WRONG_MIN / options.orders)),
        "errors": 0.02, "drop-answers": 0.02, "garbage": options.garbage,
    }
    times = {
        "pay-after": "200..2500", "refund-after": f"0..{ms(options.refund_after)}",
        "late-by": ms(options.late_by), "seed": options.seed,
        "down-after": ms(options.orders / options.rate / 2), "down-for": ms(options.outage),
    }
    return [part for name, value in {**shares, **times}.items() for part in (f"--{name}", value)]


async def kill_now_and_then(server, shop, options):
    """At even distances, by how much is placed; the last time it stays down while orders expire."""
    for n in range(1, options.kills + 1):
        while shop.placed < options.orders * n // (options.kills + 1):
            await asyncio.sleep(0.02)
        await server.kill()
        await asyncio.sleep(options.ttl if n == options.kills else 0.5)
        await server.start()


async def show_placing(bar, shop, orders):
    while True:
        bar.show("placing", shop.placed, orders)
        await asyncio.sleep(POLL_S / 5)


async def each(shop, ids):
    """Orders as they are now; `None` for one that there is not."""

    async def one(name):
        async with shop.slots:
            info = await shop.client.ask("ORDER.GET", name)
        return name, None if isinstance(info, Refused) else info

    for at in range(0, len(ids), CHUNK):
        for pair in await asyncio.gather(*map(one, ids[at : at + CHUNK])):
            yield pair


async def settle(shop, ids, bar, deadline_s):
    """Waits until nothing is under way, or time is over."""
    left = ids
    while time.monotonic() < deadline_s and (left or shop.courses):
        await asyncio.sleep(POLL_S)
        left = [name async for name, info in each(shop, left) if info and not is_final(info)]
        bar.show("settling", len(ids) - len(left), len(ids))


async def balanced(shop, provider, ids, skus, bar):
    """The books, and the orders that there are not."""
    books = Books(await provider.ledger(), await open_reviews(shop.client))
    missing = []
    async for name, info in each(shop, ids):
        bar.show("comparing", books.states.total(), len(ids))
        if info is None:
            missing.append(name)
        else:
            books.order(info)
    books.close({sku: await shop.client.ask("STOCK.GET", sku) for sku in skus})
    return books, missing


async def open_reviews(client):
    reviews, after = [], 0
    while after is not None:
        page = await client.ask("ORDER.REVIEWS", "AFTER", after, "STATE", "open", "LIMIT", PAGE)
        reviews += page["items"]
        after = page["next"]
    return reviews


async def alive(server, working, limit_s):
    """What comes of it; or it ends where it would wait for ever, for a server that has died or hangs."""
    tasks = [asyncio.create_task(working), asyncio.create_task(server.died.wait())]
    done, _ = await asyncio.wait(tasks, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    if tasks[0] in done:
        return tasks[0].result()
    sys.exit("the server ended by itself" if done else f"there was no end in {limit_s:,.0f} s")


def limit_s(options):
    """Far more than it takes."""
    return 10 * options.orders / options.rate + 2 * options.patience


async def run(options, folder):
    bar = Bar()
    server = Server(options.binary, folder)
    webhook_url = f"http://{server.http}/v1/payments/bank/webhook"
    provider = Provider(options.binary, folder, webhook_url, troubles(options))
    try:
        await provider.start()
        server.configure(provider, ms(options.ttl), ms(options.late_by))
        await server.start()
        client = Client(server.resp, CONNECTIONS)
        shop = Shop(client, ms(options.ttl), IN_FLIGHT)
        return await alive(server, work(options, bar, server, provider, shop), limit_s(options))
    finally:
        bar.gone()
        await end(server, provider)


async def work(options, bar, server, provider, shop):
    ids = [plan.id for plan in plans(options.orders, options.seed)]
    skus = skus_of(options.orders)
    await shop.open(stock_of(skus, options.orders))
    began = time.monotonic()
    showing = asyncio.create_task(show_placing(bar, shop, options.orders))
    placing = shop.place_all(plans(options.orders, options.seed), options.rate)
    await asyncio.gather(placing, kill_now_and_then(server, shop, options))
    showing.cancel()
    placed_s = time.monotonic() - began
    await settle(shop, ids, bar, time.monotonic() + options.patience)
    books, missing = await balanced(shop, provider, ids, skus, bar)
    await server.stop()
    return {
        "books": books,
        "check": await server.check(),
        "provider": await provider.stop(),
        "server": server.counted,
        "retries": shop.client.retries,
        "unexpected": shop.unexpected,
        "missing": missing,
        "kills": options.kills,
        "seconds": round(time.monotonic() - began, 1),
        "orders_per_second": round(options.orders / placed_s, 1),
        "orders": options.orders,
    }


def differences(seen):
    """All that is not as it should be."""
    check = seen["check"]
    found = seen["books"].differences + seen["unexpected"]
    found += [f"{name}: was never placed" for name in seen["missing"]]
    found += [f"tidegate check: {law}" for law in check["laws_broken"] + check["damages"]]
    if check["figures"]["engine.dead_letters"]:
        found.append("tidegate check: letters or timers were set aside")
    return found


@contextlib.contextmanager
def folder_of(options):
    """A new one, which goes at the end unless it is to be kept."""
    folder = tempfile.mkdtemp(prefix="tidegate-ledger-")
    try:
        yield folder
    finally:
        if options.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)


def main():
    options = arguments()
    with folder_of(options) as folder:
        try:
            seen = asyncio.run(run(options, folder))
        except KeyboardInterrupt:
            sys.exit(130)
    found = differences(seen)
    if options.json:
        print(json.dumps(document(seen, found)))
    else:
        table(seen)
        print(f"{'the ledger balances':<28}{'no' if found else 'yes':>12}")
    for one in [] if options.json else found[:DIFFERENCES_SHOWN]:
        print(f"  {one}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
