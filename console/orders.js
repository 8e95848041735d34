// What this browser has bought: how each order stands, until when it is to be paid, and paying it.

import { byId, grey, isGrey, make, say } from "./dom.js";
import { memory, orderOf, rememberOrder } from "./memory.js";
import { ask, askUntilAnswered, clock, isPassing, isRefused, path, pause, pauseBefore } from "./wire.js";
import { countdown, money, sentence, units } from "./words.js";

/** How long an answer waits for something to become of an order. */
const WAIT_MS = 15_000;

/** An order follows its purchase by some milliseconds: so often it is looked for before it counts as gone. */
const LOOKS_MAX = 40;
const LOOK_MS = 250;

/** How often a provider is asked for the page on which to pay. */
const PAGE_ASKS_MAX = 20;

const TICK_MS = 250;

/** What each state means to its buyer, and whether it is good or bad news. */
const STATES = {
  reserved: { line: (order) => `Held for you. Pay within ${left(order)}.`, isPayable: true },
  open: { line: (order) => `Pay within ${left(order)}.`, isPayable: true },
  paying: { line: (order) => `Waiting for your payment, ${left(order)} left.`, isPayable: true },
  taking: { line: () => "Paid. Your units are being put aside." },
  paid: { line: () => "Paid. It is yours.", kind: "good" },
  fulfilled: { line: () => "Paid and handed over.", kind: "good" },
  expired: { line: () => "Not paid in time: others can have it.", kind: "bad" },
  cancelled: { line: () => "Given back.", kind: "bad" },
  refunding: { line: () => "Your money is on its way back.", kind: "bad" },
  refunded: { line: () => "Your money is back with you.", kind: "bad" },
  refused: { line: () => "The shop could not put this together.", kind: "bad" },
  busy: { line: () => "The shop could not put this together.", kind: "bad" },
  placing: { line: () => "Your order is being made …" },
};
const UNKNOWN = { line: () => "Your order is being made …" };

const cards = new Map(); // By order.
let providers = [];

/** Shows the orders that this browser knows. */
export async function prepareOrders() {
  setInterval(() => cards.forEach(render), TICK_MS);
  ordersChanged();
  ({ providers } = await askUntilAnswered("console/shop.json"));
  for (const card of cards.values()) buttons(card);
}

/** There may be others. */
export function ordersChanged() {
  for (const { id } of memory.orders) {
    if (!cards.has(id)) follow(addCard(id));
  }
}

/** Shows an order that was just made, and leads to how it is paid. */
export function showOrder(id) {
  ordersChanged();
  const card = cards.get(id);
  (card.doing.querySelector("button") ?? card.element).focus();
}

function addCard(id) {
  const { sku, quantity, total, currency } = orderOf(id);
  const said = make("p", { class: "said", role: "status" });
  const trouble = make("p", { class: "trouble", role: "alert" });
  const doing = make("div", { class: "do" });
  const price = make("p", { class: "total" }, money(total, currency));
  const head = make("h3", {}, `${sku} · ${units(quantity)}`);
  const element = make("article", { class: "card order", tabindex: "-1", "data-order": id }, head, price, said, trouble, doing);
  const card = { id, element, said, trouble, doing, state: null, hasLink: false };
  cards.set(id, card);
  byId("orders").prepend(element);
  buttons(card);
  render(card);
  return card;
}

/** Follows an order until nothing can become of it any more. */
async function follow(card) {
  let version = null;
  for (let times = 1; ; ) {
    const waits = version === null ? "" : `?wait_ms=${WAIT_MS}&after=${version}`;
    try {
      const order = await ask(path`v1/orders/${card.id}` + waits, { waitMs: WAIT_MS });
      [version, times] = [order.version, 1];
      stand(card, order);
      if (isSettled(order)) return;
    } catch (error) {
      if (isRefused(error, "unknown_order") && times < LOOKS_MAX) await pause(LOOK_MS);
      else if (isPassing(error)) await pauseBefore(times, error);
      else return say(card.trouble, sentence(error));
      times += 1;
    }
  }
}

function stand(card, order) {
  card.state = order.state;
  const failed = order.payments.some((payment) => payment.payment === paymentOf(card.id) && payment.state === "failed");
  if (failed) {
    // The next try is another payment.
    rememberOrder(card.id, { tries: (orderOf(card.id).tries ?? 1) + 1, page: null });
    say(card.trouble, "The payment did not go through. You can try again.");
  }
  rememberOrder(card.id, { payBy: order.expires_at_ms ?? orderOf(card.id).payBy });
  buttons(card);
  render(card);
}

/** Whether nothing becomes of it by itself: what a provider has not answered for may still be paid. */
function isSettled({ state, payments }) {
  const isPending = payments.some((payment) => payment.state === "open");
  return !isPending && ["paid", "fulfilled", "expired", "cancelled", "refunded", "refused", "busy"].includes(state);
}

function left(order) {
  return countdown((order.payBy ?? 0) - clock.now());
}

function render(card) {
  const { line, kind = "" } = STATES[card.state] ?? UNKNOWN;
  const order = orderOf(card.id);
  const isLate = STATES[card.state]?.isPayable && order.payBy && order.payBy <= clock.now();
  say(card.said, isLate ? "The time to pay is over. Looking whether you have paid …" : line(order));
  card.element.classList.toggle("good", kind === "good");
  card.element.classList.toggle("bad", kind === "bad");
}

/** The ways to pay, while it can be paid: a button for each provider, then a link to its page. */
function buttons(card) {
  const { total, currency, page } = orderOf(card.id);
  const isPayable = card.state === null || STATES[card.state]?.isPayable;
  const key = JSON.stringify([isPayable, page, providers]);
  if (card.key === key) return;
  card.key = key;
  const hadFocus = card.doing.contains(document.activeElement);
  card.doing.replaceChildren();
  if (isPayable && page) {
    card.doing.append(make("a", { class: "button", href: page, target: "_blank", rel: "noopener noreferrer" }, "Open the payment page again"));
  } else if (isPayable) {
    for (const provider of providers) {
      const by = providers.length > 1 ? " with " + provider : "";
      const button = make("button", { type: "button" }, `Pay ${money(total, currency)}${by}`);
      button.append(make("span", { class: "unseen" }, " (opens in a new tab)"));
      button.addEventListener("click", () => pay(card, provider, button));
      card.doing.append(button);
    }
  }
  if (!isPayable) say(card.trouble, "");
  if (hadFocus) (card.doing.firstElementChild ?? card.element).focus();
}

function paymentOf(id) {
  return "web-" + (orderOf(id).tries ?? 1);
}

/** Begins a payment and leads to the provider's page, in a tab of its own: this one goes on to show the order. */
async function pay(card, provider, button) {
  if (isGrey(button)) return;
  grey(button, true);
  say(card.trouble, "");
  const tab = open("", "_blank"); // Now, for only a click may open one.
  try {
    const page = await checkout(card, provider);
    if (tab) {
      tab.opener = null;
      tab.location.replace(page);
    }
    rememberOrder(card.id, { page });
  } catch (error) {
    tab?.close();
    say(card.trouble, sentence(error));
    grey(button, false);
  }
  buttons(card);
}

/** Where the provider has it paid. */
async function checkout(card, provider) {
  const calmly = (error) => say(card.trouble, sentence(error));
  for (let times = 1; times <= PAGE_ASKS_MAX; times += 1) {
    const body = { payment: paymentOf(card.id), provider };
    try {
      const { checkout_url: url } = await askUntilAnswered(path`v1/orders/${card.id}/payments`, { body }, calmly);
      say(card.trouble, "");
      if (url && /^https?:/.test(url)) return url;
    } catch (error) {
      if (!isRefused(error, "unknown_order")) throw error; // It follows its purchase.
    }
    await pauseBefore(times);
  }
  throw new Error("the provider does not say where to pay");
}
