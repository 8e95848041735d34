// The pages of a sale as people meet them: with a mouse, with keys alone, on a phone, in two tabs, with answers lost.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";

import { Shop, until } from "./shop.mjs";

const { chromium } = await import(process.env.PLAYWRIGHT);

/** Three goods of 40 units each; every sale has its own. */
const goods = (of) => ["mug", "tee", "cap"].map((sku) => [`${sku}-${of}`, 40]);
const PHONE = { width: 360, height: 740 };

/** How long anything may take before it counts as hung. */
const PATIENCE_MS = 20_000;
const TEST = { timeout: 60_000 };

let shop, browser;

before(async () => {
  shop = await Shop.open();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await shop?.close();
});

/** A visitor: a browser of their own, with nothing kept in it. */
async function visitor(options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 900 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  shop.watch(context);
  return context;
}

async function open(context, path) {
  const page = await context.newPage();
  await page.goto(shop.url + path);
  return page;
}

/** Waits until the page shows this text in the element of this id. */
function shows(page, id, text) {
  return page.locator(`#${id}`, { hasText: text }).waitFor();
}

async function joinAs(page, name) {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join the queue" }).click();
}

/** Answers for the server that it has no room. */
function refuse(route) {
  const told = { code: "busy", title: "busy", status: 503, detail: "Too much work is waiting." };
  return route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(told) });
}

/** Presses Tab until this has the focus. */
async function tabTo(page, name) {
  for (let times = 0; times < 60; times += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { ariaLabel, textContent, labels } = document.activeElement;
      return ariaLabel ?? labels?.[0]?.textContent ?? textContent;
    });
    if (focused.startsWith(name)) return;
  }
  assert.fail(`no way to ${name} by the Tab key`);
}

/** Presses Enter on what opens a tab, and gives that. */
async function tabOpenedBy(page, act) {
  const [opened] = await Promise.all([page.context().waitForEvent("page"), act()]);
  await opened.getByRole("heading").waitFor();
  return opened;
}

async function fitsItsWidth(page, where) {
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    return { scrollWidth, clientWidth };
  });
  assert.ok(scrollWidth <= clientWidth, `${where}: ${scrollWidth} px in ${clientWidth}`);
}

function picture(page, name) {
  return page.screenshot({ path: join(process.env.PICTURES, name + ".png") });
}

function remembered(page, sale) {
  return page.evaluate((key) => JSON.parse(localStorage.getItem(key)), "tidegate.sale." + sale);
}

async function ordersOf(page, sale) {
  const { buyer } = await remembered(page, sale);
  return (await shop.ask(`/v1/buyers/${buyer}/orders`)).items;
}

test("who joins before the start is drawn, let in, buys once, pays, and has it", TEST, async () => {
  const context = await visitor();
  const page = await open(context, "/sale/nowhere"); // So that all is loaded when time counts.
  await shop.announce("drop", { goods: goods("drop"), startsIn: 6_000, rate: 100 });
  await page.goto(shop.url + "/sale/drop");
  await shows(page, "eyebrow", "The sale starts in");
  await joinAs(page, "Ana");
  await shows(page, "headline", "You are in, Ana");
  assert.match(await page.locator("#figure").textContent(), /^0:0\d$/);
  await shows(page, "figure", "It is your turn");

  // The first answer to the purchase is lost, and whoever is impatient clicks twice.
  let [tokens, purchases] = [0, 0];
  page.on("request", (request) => (tokens += request.url().endsWith("/tokens") ? 1 : 0));
  await page.route("**/buy/**", async (route) => {
    purchases += 1;
    if (purchases > 1) return route.continue();
    await route.fetch();
    await route.abort();
  });
  const buy = page.getByRole("button", { name: "Buy tee-drop" });
  await buy.dblclick();
  await page.getByText("You cannot buy twice by this.").waitFor();
  assert.equal(await buy.getAttribute("aria-disabled"), "true", "it is grey meanwhile");
  await page.getByText("Held for you. Pay within").waitFor();
  assert.deepEqual([tokens, purchases], [1, 2]);
  assert.equal((await ordersOf(page, "drop")).length, 1);

  const pay = page.getByRole("button", { name: "Pay €20.00" });
  const sandbox = await tabOpenedBy(page, () => pay.click());
  await sandbox.getByRole("button", { name: "Pay 20.00 EUR" }).click();
  await sandbox.getByText("20.00 EUR paid").waitFor();
  await page.getByText("Paid. It is yours.").waitFor();
  const [order] = await ordersOf(page, "drop");
  assert.equal(order.state, "paid");
  await context.close();
});

test("a second tab of the same buyer is refused beyond the limit", TEST, async () => {
  const context = await visitor();
  const page = await open(context, "/sale/drop");
  await joinAs(page, "Bo");
  await page.getByRole("button", { name: "Buy mug-drop" }).click();
  await page.getByText("Held for you. Pay within").waitFor();
  const second = await open(context, "/sale/drop");
  await second.getByText("Held for you. Pay within").waitFor();
  await second.getByRole("button", { name: "Buy cap-drop" }).click();
  await shows(second, "notice", "Each buyer may have 1 unit in this sale, and you have 1.");
  assert.equal((await ordersOf(second, "drop")).length, 1);
  await context.close();
});

test("a payment that is declined can be tried again", TEST, async () => {
  const context = await visitor();
  const page = await open(context, "/sale/drop");
  await joinAs(page, "Cleo");
  await page.getByRole("button", { name: "Buy mug-drop" }).click();
  const pay = page.getByRole("button", { name: "Pay €20.00" });
  let sandbox = await tabOpenedBy(page, () => pay.click());
  await sandbox.getByRole("button", { name: "Decline" }).click();
  await page.getByText("The payment did not go through.").waitFor();
  sandbox = await tabOpenedBy(page, () => pay.click());
  await sandbox.getByRole("button", { name: "Pay 20.00 EUR" }).click();
  await page.getByText("Paid. It is yours.").waitFor();
  await context.close();
});

test("a reload keeps the place, and who waits is told how long", TEST, async () => {
  await shop.announce("slow", { goods: goods("slow"), startsIn: 500, rate: 8 });
  await shop.enter("slow", 60);
  const context = await visitor();
  const page = await open(context, "/sale/slow");
  await shows(page, "eyebrow", "The sale is on");
  await joinAs(page, "Dora");
  await shows(page, "eyebrow", "People ahead of you");
  assert.equal(await page.locator("#position").textContent(), "61");
  assert.match(await page.locator("#wait").textContent(), /^\d+ s$/);
  assert.equal(await page.locator("#left").textContent(), "120");
  const { ticket, askAt } = await remembered(page, "slow");
  await picture(page, "waiting");

  await page.reload();
  await shows(page, "eyebrow", "People ahead of you");
  assert.equal(await page.locator("#position").textContent(), "61");
  const kept = await remembered(page, "slow");
  assert.equal(kept.ticket, ticket);
  assert.ok(kept.askAt >= askAt, "nor is it asked for sooner");
  assert.equal((await shop.ask("/v1/sales/slow")).entrants, 61);
  await shows(page, "figure", "It is your turn");
  await context.close();
});

test("who waits is let in by what is told, and without that by asking", TEST, async () => {
  for (const silent of ["position", "stream"]) {
    await shop.announce(silent, { goods: goods(silent), startsIn: 500, rate: 4 });
    await shop.enter(silent, 20);
    const context = await visitor();
    const page = await open(context, "/sale/" + silent);
    await shows(page, "eyebrow", "The sale is on");
    if (silent === "stream") await page.route("**/stream?*", refuse);
    const listens = page.waitForRequest(/\/stream\?ticket=/);
    await joinAs(page, "Lou");
    await shows(page, "eyebrow", "People ahead of you");
    await listens;
    if (silent === "position") await page.route("**/position?*", refuse);
    await shows(page, "figure", "It is your turn");
    await context.close();
  }
});

test("who waits for what others hold is told until when it may come back", TEST, async () => {
  await shop.announce("few", { goods: [["last-one", 1]], startsIn: 300 });
  await until(async () => (await shop.ask("/v1/sales/few")).state === "running");
  const [first] = await shop.enter("few", 1);
  const order = await shop.buyInTurn("few", first, "last-one");
  const context = await visitor();
  const page = await open(context, "/sale/few");
  await joinAs(page, "Eve");
  await shows(page, "eyebrow", "Sold out for now");
  assert.match(await page.locator("#headline").textContent(), /1 unit .* some may come back until \d\d:\d\d/);
  await shop.pay(order);
  await shows(page, "figure", "Everything is sold");
  await context.close();
});

test("keys alone are enough, from joining to a paid order", TEST, async () => {
  const context = await visitor();
  const page = await open(context, "/sale/drop");
  await shows(page, "eyebrow", "The sale is on");
  await tabTo(page, "Your name");
  await page.keyboard.type("Fay");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Buy tee-drop" }).waitFor();
  await tabTo(page, "Buy tee-drop");
  await page.keyboard.press("Enter");
  await page.getByText("Held for you. Pay within").waitFor();
  // The focus has come to the order: Enter pays it.
  const sandbox = await tabOpenedBy(page, () => page.keyboard.press("Enter"));
  await sandbox.locator("button:focus").waitFor();
  await sandbox.keyboard.press("Enter");
  await sandbox.getByText("20.00 EUR paid").waitFor();
  await page.getByText("Paid. It is yours.").waitFor();
  await context.close();
});

test("a phone shows all of it without scrolling sideways", TEST, async () => {
  await shop.announce("phone", { goods: goods("phone"), startsIn: 5_000, max: 3 });
  const context = await visitor({ viewport: PHONE, hasTouch: true, colorScheme: "dark" });
  const page = await open(context, "/sale/phone");
  await shows(page, "eyebrow", "The sale starts in");
  await fitsItsWidth(page, "open");
  await joinAs(page, "A name of many letters that somebody has");
  await shows(page, "headline", "You are in");
  await fitsItsWidth(page, "early");
  await shows(page, "figure", "It is your turn");
  await page.getByLabel("How many of cap-phone").selectOption("2");
  await page.getByRole("button", { name: "Buy cap-phone" }).tap();
  const pay = page.getByRole("button", { name: "Pay €40.00" });
  await pay.waitFor();
  await fitsItsWidth(page, "admitted");
  await picture(page, "phone");
  const sandbox = await tabOpenedBy(page, () => pay.tap());
  await fitsItsWidth(sandbox, "sandbox");
  await picture(sandbox, "sandbox");
  const stage = await open(context, "/stage/phone");
  await shows(stage, "figure-sold", "0");
  await fitsItsWidth(stage, "stage");
  await context.close();
});

test("a puzzle is solved by the page, and a question by the person", TEST, async () => {
  await shop.announce("hard", { goods: goods("hard"), challenge: "work", bits: 14 });
  await shop.announce("asked", { goods: goods("asked"), challenge: "question", question: "What is behind a tide gate?", answer: "water" });
  const context = await visitor();
  const hard = await open(context, "/sale/hard");
  await joinAs(hard, "Gil");
  await shows(hard, "figure", "It is your turn");

  const asked = await open(context, "/sale/asked");
  await joinAs(asked, "Gil");
  const answer = asked.getByLabel("What is behind a tide gate?");
  await answer.fill("sand");
  await answer.press("Enter");
  await shows(asked, "notice", "That is not the answer.");
  assert.equal((await shop.ask("/v1/sales/asked")).entrants, 0);
  await answer.fill("Water");
  await answer.press("Enter");
  await shows(asked, "figure", "It is your turn");
  await context.close();
});

test("what is kept of an earlier sale of the same name does not count", TEST, async () => {
  const context = await visitor();
  // A page of the sale itself would keep its own state at any moment.
  const page = await open(context, "/sale/nowhere");
  const earlier = { name: "Hal", commitment: "another", buyer: "hal-1", ticket: "1.ab", standing: { state: "over" }, orders: [] };
  await page.evaluate(([key, value]) => localStorage.setItem(key, value), ["tidegate.sale.drop", JSON.stringify(earlier)]);
  await page.goto(shop.url + "/sale/drop");
  await shows(page, "eyebrow", "The sale is on");
  assert.equal(await page.getByLabel("Your name").inputValue(), "Hal");
  await page.getByRole("button", { name: "Join the queue" }).click();
  await shows(page, "figure", "It is your turn");
  await context.close();
});

test("a sale that is not open yet says when, and opens by itself", TEST, async () => {
  const context = await visitor();
  const page = await open(context, "/sale/nowhere");
  await shop.announce("later", { goods: goods("later"), opensIn: 5_000, startsIn: 3_000_000 });
  await page.goto(shop.url + "/sale/later");
  await shows(page, "eyebrow", "The waiting room opens in");
  assert.equal(await page.getByRole("button", { name: "Join the queue" }).isVisible(), false);
  await joinAs(page, "Ida");
  await shows(page, "headline", "You are in, Ida");
  await context.close();
});

test("a sale that is not there, and one that is over, say so", TEST, async () => {
  const context = await visitor();
  const nowhere = await open(context, "/sale/nowhere");
  await shows(nowhere, "headline", "There is no sale of this name.");
  await shop.announce("gone", { goods: goods("gone"), startsIn: 100, endsIn: 200 });
  const gone = await open(context, "/sale/gone");
  await shows(gone, "figure", "It is over");
  await context.close();
});

test("the stage draws what happens, and its books come out even", TEST, async () => {
  const sold = goods("show");
  await shop.announce("show", { goods: sold, startsIn: 6_000, rate: 60 });
  const context = await visitor({ viewport: { width: 1280, height: 1000 } });
  const page = await open(context, "/stage/show");
  await shows(page, "clock", "starts in");
  const people = await shop.enter("show", 100);
  await shows(page, "figure-entered", "100");
  await until(async () => (await shop.ask("/v1/sales/show")).state === "running");
  const buyers = people.map(async (person, at) => {
    const order = await shop.buyInTurn("show", person, sold[at % sold.length][0]);
    await shop.ask(`/v1/orders/${order}/payments`, { payment: "p", provider: "bank" });
  });
  await Promise.all(buyers);
  await shows(page, "figure-sold", "100");
  const books = await page.locator("#books tr").allInnerTexts();
  assert.deepEqual(books.map((line) => line.replace(/\s+/g, " ").trim()), [
    "available 20", "+ held 0", "+ sold 100", "= total 120", "as many as at first",
    "tokens issued 100", "of them bought by 100", "− ended 0", "= orders that stand 100", "no more than tokens",
  ]);
  const drawn = await page.locator("figure path").evaluateAll((paths) => paths.map((path) => path.getAttribute("d")));
  assert.ok(drawn.length >= 15 && drawn.every((path) => !/NaN|Infinity/.test(path)), drawn.join("\n"));
  const said = await page.locator("figure svg").evaluateAll((charts) => charts.map((chart) => chart.ariaLabel));
  assert.ok(said.some((line) => line.startsWith("Units, of all goods: sold 100, held 0, available 20")), said.join("\n"));
  await picture(page, "stage");
  await context.close();
});

test("no page has complained or asked elsewhere", () => {
  assert.deepEqual(shop.troubles, []);
});
