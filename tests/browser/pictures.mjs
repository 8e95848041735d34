// The pictures of the docs: a person on their way through the storefront, and the stage of a sale with a crowd.

import { join } from "node:path";

import { Shop, until } from "./shop.mjs";

const { chromium } = await import(process.env.PLAYWRIGHT);

const PHONE = { width: 360, height: 640 };
const STAGE = { width: 1280, height: 1000 };
const CROWD = 4_000;
const ARRIVALS_MS = 30_000;

/** At how many units sold the picture is taken: in the midst. */
const SOLD = 1_250;

/** Things of a gift shop, and how many there are of each. */
const GOODS = [
  ["mug-blue", 260], ["tea-towel-leaf", 220], ["bunting-spotty", 240], ["clock-bakelike", 200],
  ["doormat-union", 180], ["heart-wicker", 260], ["lantern-star", 200], ["cake-stand", 240],
];

let done = false; // The crowd may go.
/** Those of the storefront: a SKU is of one sale here. */
const SMALL = [["mug-red", 260], ["tea-towel-fern", 220], ["bunting-plain", 240]];

const shop = await Shop.open();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
try {
  await storefront();
  await stage();
} finally {
  await browser.close();
  await shop.close();
}

function save(page, name) {
  return page.screenshot({ fullPage: true, path: join(process.env.PICTURES, name + ".png") });
}

/** Three moments on a phone, beside each other. */
async function storefront() {
  await shop.announce("spring-sale", { goods: SMALL, startsIn: 300, rate: 40, max: 3 });
  await shop.enter("spring-sale", 400);
  const page = await browser.newPage({ viewport: PHONE, isMobile: true, hasTouch: true, locale: "en-GB" });
  const moments = [];
  const keep = async () => moments.push((await page.screenshot()).toString("base64"));
  await page.goto(shop.url + "/sale/spring-sale");
  await page.getByLabel("Your name").fill("Ana");
  await page.getByRole("button", { name: "Join the queue" }).click();
  await page.locator("#eyebrow", { hasText: "People ahead of you" }).waitFor();
  await page.waitForFunction(() => Number(document.getElementById("gauge").ariaValueNow) >= 45);
  await keep();
  await page.getByRole("button", { name: "Buy mug-red" }).waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Buy mug-red" }).click();
  const pay = page.getByRole("button", { name: "Pay" });
  await pay.waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await keep();
  const [sandbox] = await Promise.all([page.context().waitForEvent("page"), pay.click()]);
  await sandbox.getByRole("button", { name: "Pay" }).click();
  await page.getByText("Paid. It is yours.").waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await keep();
  const images = moments.map((moment) => `<img src="data:image/png;base64,${moment}">`).join("");
  const frame = await browser.newPage({ viewport: { width: 1176, height: 688 } });
  await frame.setContent(`<style>body{margin:24px;display:flex;gap:24px;background:#c9d5da}img{border-radius:20px}</style>${images}`);
  await save(frame, "storefront");
  await page.context().close();
}

async function stage() {
  await shop.announce("demo", { goods: GOODS, startsIn: 8_000, rate: 120, ttl_ms: 6_000 });
  const page = await browser.newPage({ viewport: STAGE });
  await page.goto(shop.url + "/stage/demo");
  const people = Promise.all(Array.from({ length: CROWD }, (_, at) => person(at)));
  const sold = until(async () => (await shop.ask("/v1/sales/demo")).sold > SOLD);
  await Promise.race([sold, people]);
  await save(page, "stage");
  done = true;
  await people;
}

/** Comes at a time of their own, half of them before the start; some are impatient, some never pay. */
async function person(at) {
  await new Promise((resolve) => setTimeout(resolve, (ARRIVALS_MS * ((at * 7_919) % CROWD)) / CROWD));
  const buyer = `person-${at}`;
  const { ticket } = await shop.ask("/v1/sales/demo/entries", { buyer });
  const sku = GOODS[(at * 31) % GOODS.length][0];
  const wanted = { buyer, ticket, sku, quantity: 1 };
  if (at % 9 === 0) await shop.ask("/v1/sales/demo/tokens", wanted).catch(() => {}); // Before their turn.
  for (let state = ""; state !== "admitted"; ) {
    const told = await shop.ask(`/v1/sales/demo/position?ticket=${ticket}`);
    state = told.state;
    if (done || state === "over" || state === "sold_out") return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(told.ask_after_ms, 500)));
  }
  const order = await shop.buy("demo", { buyer, ticket }, sku).catch(() => null);
  if (at % 5 === 0) await shop.ask("/v1/sales/demo/tokens", wanted).catch(() => {}); // Once more than they may.
  if (order === null || at % 6 === 0) return; // It was sold out; or never pays.
  await shop.ask(`/v1/orders/${order}/payments`, { payment: "p", provider: "bank" });
}
