"""What buyers and the shop do with each order: decided by the seed, carried out over the wire."""

import asyncio
import dataclasses
import random

from ledger_wire import Refused

# Of five SKUs one is scarce: orders ask for more than there is.
SCARCE_EVERY = 5
SCARCE_SHARE = 0.5
PLENTY_SHARE = 2.0
LINES_MAX, UNITS_MAX, PRICE_MAX = 3, 3, 20_000
# Some orders have many lines: what becomes of them is on its way for longer.
LONG_SHARE, LONG_LINES = 0.05, 12

# How often the shop looks whether an order is paid before it refunds or fulfils it.
LOOK_S = 1.5
LOOKS_MAX = 20
WAIT_MS = 2_000
# States in which nothing becomes of an order by itself, nor by the shop.
OVER = ("refused", "cancelled", "expired", "refunding", "refunded")


@dataclasses.dataclass
class Plan:
    """What is done with one order."""

    id: str
    buyer: str
    lines: list
    deduct: str
    is_paid_twice: bool
    is_cancelled: bool
    refund: str
    is_fulfilled: bool
    rest_s: float


def skus_of(orders):
    return [f"sku-{n:04}" for n in range(max(20, min(1_000, orders // 20)))]


def stock_of(skus, orders):
    """How many units there are of each SKU."""
    lines = (1 - LONG_SHARE) * (1 + LINES_MAX) / 2 + LONG_SHARE * LONG_LINES
    wanted = orders * lines * (1 + UNITS_MAX) / 2 / len(skus)
    share = lambda n: PLENTY_SHARE if n % SCARCE_EVERY else SCARCE_SHARE
    return {sku: int(wanted * share(n)) + 1 for n, sku in enumerate(skus)}


def plans(orders, seed):
    chance = random.Random(seed)
    skus = skus_of(orders)
    for n in range(orders):
        count = LONG_LINES if chance.random() < LONG_SHARE else chance.randint(1, LINES_MAX)
        lines = [(sku, chance.randint(1, UNITS_MAX), chance.randint(1, PRICE_MAX))
                 for sku in chance.sample(skus, count)]
        yield Plan(
            id=f"order-{seed}-{n:07}",
            buyer=f"buyer-{chance.randrange(max(1, orders // 3))}",
            lines=lines,
            deduct="pay" if chance.random() < 0.04 else "place",
            is_paid_twice=chance.random() < 0.04,
            is_cancelled=chance.random() < 0.04,
            refund=chance.choices(["", "part", "whole"], [0.90, 0.05, 0.05])[0],
            is_fulfilled=chance.random() < 0.10,
            rest_s=chance.random() * 2,
        )


class Shop:
    """Carries plans out, so many requests in flight."""

    def __init__(self, client, ttl_ms, in_flight):
        self.client, self.ttl_ms = client, ttl_ms
        self.slots = asyncio.Semaphore(in_flight)
        self.courses = set()
        self.placed = 0
        self.unexpected = []

    async def open(self, stock):
        for sku, units in stock.items():
            await self.client.ask("STOCK.SET", sku, units)

    async def place_all(self, plans, rate):
        """Begins so many a second, or as fast as it goes."""
        began = asyncio.get_running_loop().time()
        for n, plan in enumerate(plans):
            early_s = began + n / rate - asyncio.get_running_loop().time()
            if early_s > 0:
                await asyncio.sleep(early_s)
            await self.slots.acquire()
            course = asyncio.create_task(self.course(plan))
            self.courses.add(course)
            course.add_done_callback(self.ended)
            self.placed += 1

    def ended(self, course):
        self.courses.discard(course)
        if not course.cancelled() and course.exception():
            self.unexpected.append(repr(course.exception()))

    async def course(self, plan):
        try:
            is_open = await self.place(plan) and await self.pay(plan, 1)
            if is_open and plan.is_paid_twice:
                await self.pay(plan, 2)
        finally:
            self.slots.release()
        if is_open and plan.is_cancelled:
            await asyncio.sleep(plan.rest_s)
            await self.order(plan, "ORDER.CANCEL", may=("WRONGSTATE",))
        elif is_open:
            await self.look_after(plan)

    async def order(self, plan, command, *arguments, may=()):
        """The reply, or `None` if it is refused as it may be."""
        reply = await self.client.ask(command, plan.id, *arguments)
        if isinstance(reply, Refused):
            if reply.code not in may:
                self.unexpected.append(f"{plan.id}: {command} is told {reply.code} {reply.facts}")
            return None
        return reply

    async def place(self, plan):
        flat = [field for line in plan.lines for field in line]
        options = ["CURRENCY", "EUR", "TTL", self.ttl_ms, "DEDUCT", plan.deduct]
        arguments = [plan.buyer, len(plan.lines), *flat, *options, "WAIT", WAIT_MS]
        return await self.order(plan, "ORDER.PLACE", *arguments, may=("REFUSED",))

    async def pay(self, plan, number):
        arguments = [f"payment-{number}", "bank", "WAIT", WAIT_MS]
        return await self.order(plan, "ORDER.PAY", *arguments, may=("WRONGSTATE",))

    async def look_after(self, plan):
        """A buyer whose payment fails tries once more; what is paid is fulfilled, or refunded, as planned."""
        tried = plan.is_paid_twice
        for _ in range(LOOKS_MAX):
            await asyncio.sleep(LOOK_S)
            async with self.slots:
                info = await self.order(plan, "ORDER.GET")
                if info is None or info["state"] in OVER:
                    return
                if info["state"] == "paid":
                    await self.deliver(plan)
                    return
                if info["state"] in ("reserved", "open") and not tried:
                    tried = True
                    await self.pay(plan, 2)

    async def deliver(self, plan):
        """Never a part before it is fulfilled and another behind: the lines would not tell which is which."""
        if plan.is_fulfilled:
            await self.order(plan, "ORDER.FULFIL", may=("WRONGSTATE",))
        if plan.refund == "whole":
            await self.order(plan, "ORDER.REFUND", "refund-1", may=("WRONGSTATE",))
        if plan.refund == "part":
            sku = plan.lines[0][0]
            await self.order(plan, "ORDER.REFUND", "refund-1", 1, sku, 1, may=("WRONGSTATE",))
