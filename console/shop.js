// What is on sale, and buying it: a purchase that was begun is finished once, whatever becomes of answers.

import { byId, grey, isGrey, make, say, show } from "./dom.js";
import { forgetPlace, memory, remember, rememberOrder } from "./memory.js";
import { notice } from "./place.js";
import { ask, askUntilAnswered, clock, isRefused, named, path, pause } from "./wire.js";
import { money, number, sentence, units } from "./words.js";

/** How often it is asked what is left, while somebody looks. */
const LOOK_MS = 3_000;

/** Goods of one page. */
const PAGE = 60;

/** Choices of a quantity, at most. */
const QUANTITIES_MAX = 10;

/** When a purchase that waits at the server is not worth anything any more: it is asked for again then. */
const DEADLINE_MS = 10_000;

const tiles = new Map(); // By SKU.
let sale;
let onOrder = () => {};
let isOpen = false;
let isBuying = false;
let pages = 1;

/** Gets ready to sell; `ordered` is told the id of each order that is made. */
export function prepareShop(of, ordered) {
  sale = of;
  onOrder = ordered;
  const each = sale.max > 1 ? `Each buyer may have ${units(sale.max)} in this sale.` : "Each buyer may have one unit in this sale.";
  say(byId("limit"), each);
  byId("more").addEventListener("click", () => {
    pages += 1;
    look();
  });
  if (memory.buying) finish(memory.buying);
}

/** Opens the shop to who is admitted, or closes it. */
export function openShop(isAdmitted) {
  if (isOpen === isAdmitted) return;
  isOpen = isAdmitted;
  show(byId("shop"), isOpen && sale.goods > 0);
  if (isOpen && sale.goods > 0) watch();
}

async function watch() {
  while (isOpen) {
    if (document.visibilityState === "visible") await look();
    await pause(LOOK_MS * (1 + Math.random() / 4));
  }
}

/** Shows what is left of each good, as far as the pages are that are shown. */
async function look() {
  let after = 0;
  try {
    for (let page = 0; page < pages; page += 1) {
      const { items, next } = await ask(path`v1/sales/${named}/goods?limit=${PAGE}&after=${after}`);
      for (const good of items) render(good);
      show(byId("more"), next !== null);
      if (next === null) return;
      after = next;
    }
  } catch {
    // What is shown stays; it is looked at again soon.
  }
}

function render(good) {
  if (!tiles.has(good.sku)) tiles.set(good.sku, tile(good));
  const { card, stock, left, held, button } = tiles.get(good.sku);
  const total = Math.max(good.available + good.held + good.sold, 1);
  left.style.width = `${(100 * good.available) / total}%`;
  held.style.width = `${(100 * good.held) / total}%`;
  say(stock, stockLine(good));
  card.classList.toggle("gone", good.available === 0);
  button.isGone = good.available === 0;
  grey(button, isBuying || button.isGone);
}

function stockLine({ available, held }) {
  if (available === null) return "…";
  if (available > 0) return `${number(available)} left${held ? `, ${number(held)} held` : ""}`;
  return held ? `None left, ${number(held)} may come back` : "Sold out";
}

function tile({ sku, unit_price: price }) {
  const [left, held] = [make("span"), make("span")];
  const stock = make("p", { class: "stock" });
  const button = make("button", { type: "button", "aria-label": `Buy ${sku}` }, "Buy");
  const quantity = quantities(sku);
  button.addEventListener("click", () => buy(sku, Number(quantity?.value ?? 1), button));
  const row = make("div", { class: "row" }, ...(quantity ? [quantity] : []), button);
  const head = make("div", {}, make("h3", {}, sku), make("p", { class: "price" }, money(price, sale.currency)));
  const level = make("div", {}, make("div", { class: "bar", "aria-hidden": "true" }, left, held), stock, row);
  const card = make("li", { class: "card good-card" }, head, level);
  byId("goods").append(card);
  return { card, stock, left, held, button };
}

/** A choice of how many, where more than one may be had. */
function quantities(sku) {
  if (sale.max === 1) return null;
  const counts = Array.from({ length: Math.min(sale.max, QUANTITIES_MAX) }, (_, at) => String(at + 1));
  const options = counts.map((count) => make("option", { value: count }, count));
  return make("select", { "aria-label": `How many of ${sku}` }, ...options);
}

async function buy(sku, quantity, button) {
  if (isBuying || isGrey(button)) return;
  await finish({ sku, quantity });
}

/** Sees a purchase through: until there is an order, or a "no". */
async function finish(purchase) {
  setBuying(true);
  notice(`Buying ${purchase.sku} …`, true);
  try {
    const bought = await spent(await withToken(purchase));
    const { order: id, sku, quantity, total, currency, pay_by_ms: payBy } = bought;
    rememberOrder(id, { sku, quantity, total, currency, payBy });
    notice("");
    onOrder(id);
  } catch (error) {
    if (isRefused(error, "bad_ticket", "other_buyer")) forgetPlace();
    notice(sentence(error));
  }
  remember({ buying: null });
  setBuying(false);
  if (isOpen) look();
}

/** The purchase with its token, which is kept: only by the same one is it the same purchase when asked for again. */
async function withToken(purchase) {
  remember({ buying: purchase });
  if (purchase.token) return purchase;
  const { sku, quantity } = purchase;
  const body = { buyer: memory.buyer, ticket: memory.ticket, sku, quantity };
  const { token, nonce } = await askUntilAnswered(path`v1/sales/${named}/tokens`, { body }, calmly);
  const ready = { sku, quantity, token, nonce };
  remember({ buying: ready });
  return ready;
}

async function spent({ sku, quantity, token, nonce }, isLast = false) {
  const body = () => ({ sku, buyer: memory.buyer, token, deadline_ms: Math.round(clock.now()) + DEADLINE_MS });
  try {
    return await askUntilAnswered(path`v1/sales/${named}/buy/${nonce}`, { body }, calmly);
  } catch (error) {
    // A token that is void has bought nothing: another one may be had.
    if (isLast || !isRefused(error, "token_expired")) throw error;
    return spent(await withToken({ sku, quantity }), true);
  }
}

function calmly(error) {
  notice(sentence(error) + " You cannot buy twice by this.", true);
}

function setBuying(is) {
  isBuying = is;
  for (const { button } of tiles.values()) grey(button, isBuying || button.isGone);
}
