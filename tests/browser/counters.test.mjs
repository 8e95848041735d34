// The page of counters as people meet it, and what pages count themselves: by a beacon and by an image.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";

import { Shop, until } from "./shop.mjs";

const { chromium } = await import(process.env.PLAYWRIGHT);

const PATIENCE_MS = 20_000;
const TEST = { timeout: 60_000 };
const HOUR_MS = 3_600_000;
const PHONE = { width: 360, height: 740 };

let shop, browser;

before(async () => {
  shop = await Shop.open();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await shop?.close();
});

async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1000 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  shop.watch(context);
  const page = await context.newPage();
  await page.goto(shop.url + path);
  return page;
}

function shows(page, id, text) {
  return page.locator(`#${id}`, { hasText: text }).waitFor();
}

/** A counter in which, an hour ago, the first key counted most, and the last one once. */
async function counter(name, keys) {
  await shop.ask(`/v1/counters/${name}`, { dims: "country", unique: "yes" }, "PUT");
  const at_ms = (await shop.now()) - HOUR_MS;
  const event = (key, at, nth) => ({ event: `${key}-${nth}`, key, at_ms, by: `who-${nth % 3}`, dims: nth % 2 ? "country=de" : "country=at" });
  const events = keys.flatMap((key, at) => Array.from({ length: 2 * (keys.length - at) - 1 }, (_, nth) => event(key, at, nth)));
  const response = await fetch(`${shop.url}/v1/counters/${name}/events`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: events.map((event) => JSON.stringify(event)).join("\n"),
  });
  assert.equal((await response.json()).counted, events.length);
}

function count(name, key) {
  return shop.ask(`/v1/counters/${name}/keys/${encodeURIComponent(key)}`).then(({ count }) => count);
}

function keep(page, name) {
  return page.screenshot({ fullPage: true, path: join(process.env.PICTURES, name + ".png") });
}

test("where nothing is counted the page says how to begin, and shows the first counter by itself", TEST, async () => {
  const page = await open("/stage/counters");
  await shows(page, "empty", "COUNTER.CREATE");
  assert.equal(await page.locator("#counts").isVisible(), false);
  await keep(page, "counters-empty");
  await shop.ask("/v1/counters/first", {}, "PUT");
  await shows(page, "title", "first");
  await shows(page, "top-note", "nothing was counted");
  assert.equal(await page.locator("#empty").isVisible(), false);
  await page.context().close();
});

test("counts, visitors and leading keys of a span are shown, and each key alone", TEST, async () => {
  await counter("views", ["home", "shop", "help"]);
  const page = await open("/stage/counters#counter=views");
  await shows(page, "title", "views");
  await page.getByRole("button", { name: "6 h" }).click();
  await shows(page, "figure-in-this-span", "9");
  await shows(page, "figure-different-ones-in-it", "≈ 3");
  await shows(page, "top-note", "exact");
  assert.deepEqual(await page.locator("#top span").allTextContents(), ["home", "shop", "help"]);
  assert.deepEqual(await page.locator("#top b").allTextContents(), ["5", "3", "1"]);
  await page.locator("#top").getByRole("button", { name: "shop" }).click();
  await shows(page, "title", "views · shop");
  await shows(page, "figure-in-this-span", "3");
  await page.getByRole("button", { name: "All keys" }).click();
  await page.getByLabel("Split by").selectOption("country");
  await page.locator("#charts .legend", { hasText: "at" }).filter({ hasText: "de" }).waitFor();
  // An area for each country, and one for events that name none, of which there are none.
  await page.waitForFunction(() => [...document.querySelectorAll("#charts .area")].filter((area) => area.getAttribute("d") !== "").length === 3);
  await keep(page, "counters");
  // The address is all that it takes to see the same.
  const same = await open("/stage/counters" + new URL(page.url()).hash);
  await same.locator("#charts .legend", { hasText: "de" }).waitFor();
  await page.context().close();
  await same.context().close();
});

test("a part of the chart is looked at closer with the mouse, and with buttons alone", TEST, async () => {
  await counter("zoom", ["a"]);
  const page = await open("/stage/counters#counter=zoom&span=" + 6 * HOUR_MS);
  await shows(page, "figure-in-this-span", "1");
  const svg = page.locator("#charts figure:last-child svg");
  await svg.scrollIntoViewIfNeeded();
  const { x, y, width } = await svg.boundingBox();
  const spanOf = async () => Number(new URLSearchParams(new URL(page.url()).hash.slice(1)).get("span"));
  await page.mouse.move(x + 0.3 * width, y + 60);
  await page.mouse.down();
  await page.mouse.move(x + 0.5 * width, y + 60, { steps: 4 });
  assert.equal(await svg.locator(".selected").count(), 1);
  await page.mouse.up();
  // The event was an hour ago, which is to the right of what is shown.
  await shows(page, "figure-in-this-span", "0");
  const zoomed = await spanOf();
  assert.ok(zoomed > HOUR_MS && zoomed < 1.5 * HOUR_MS, `${zoomed}`);
  await page.getByRole("button", { name: "Now" }).focus();
  await page.keyboard.press("Enter");
  await shows(page, "figure-in-this-span", "1");
  await page.getByRole("button", { name: "Zoom in" }).press("Enter");
  await shows(page, "figure-in-this-span", "0");
  await page.getByRole("button", { name: "Zoom out" }).press("Enter");
  await shows(page, "figure-in-this-span", "1");
  await page.context().close();
});

test("sources are shown with what their groups lag behind", TEST, async () => {
  await shop.ask("/v1/counters/fed", {}, "PUT");
  await shop.ask("/v1/topics/clicks", {}, "PUT");
  await shop.ask("/v1/topics/clicks/groups/fed", {}, "PUT");
  await shop.ask("/v1/topics/clicks/groups/fed/pause", {});
  for (const topic of ["clicks", "absent"]) await shop.ask(`/v1/counters/fed/sources/${topic}`, {}, "PUT");
  for (const key of ["a", "b"]) await shop.ask("/v1/topics/clicks/messages", { id: "*", payload: JSON.stringify({ key }) });
  const page = await open("/stage/counters#counter=fed");
  await shows(page, "lags", "clicks · fed2 behind, the oldest for about ");
  await shows(page, "lags", "paused");
  await shows(page, "lags", "absent · fedthere is no such topic, or no group yet");
  await keep(page, "counters-sources");
  await shop.ask("/v1/topics/clicks/groups/fed/resume", {});
  await shows(page, "lags", "clicks · fedup to date");
  await shows(page, "figure-in-all-that-is-kept", "2");
  await page.context().close();
});

test("samples that are counted again are told", TEST, async () => {
  await shop.ask("/v1/counters/kept", { buckets: "1s:1h,1m:1d", raw: "kept-raw" }, "PUT");
  const page = await open("/stage/counters#counter=kept");
  await shows(page, "title", "kept");
  await until(async () => {
    await shop.ask("/v1/counters/kept/add", { event: "*", key: "k" });
    return /[1-9].* buckets of keys, none differs/.test(await page.locator("#checked-note").textContent());
  });
  await page.context().close();
});

test("the rate of now goes on by itself, in the dark and on a phone", TEST, async () => {
  await shop.ask("/v1/counters/live", {}, "PUT");
  const page = await open("/stage/counters#counter=live", { viewport: PHONE, colorScheme: "dark", isMobile: true, hasTouch: true });
  await shows(page, "title", "live");
  await shows(page, "figure-a-second-now", "0");
  await shop.ask("/v1/counters/live/add", { event: "*", key: "now", amount: 500 });
  await page.waitForFunction(() => /[1-9]/.test(document.getElementById("figure-a-second-now").textContent));
  await page.locator("#hot", { hasText: "now" }).waitFor();
  const [wide, dark] = await page.evaluate(() => [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]);
  assert.ok(wide <= PHONE.width, `${wide} pixels wide`);
  assert.equal(dark, "rgb(12, 19, 25)");
  await keep(page, "counters-phone");
  await page.context().close();
});

test("what a page of the server tells by a beacon or an image counts, and what another site's tells does not", TEST, async () => {
  await shop.ask("/v1/counters/pages", {}, "PUT");
  const beacon = shop.url + "/v1/counters/pages/beacon";
  const image = (page, url) =>
    page.evaluate((url) => new Promise((told) => {
      const image = new Image();
      image.onload = () => told(image.naturalWidth);
      image.onerror = () => told("error");
      image.src = url;
    }), url);
  const own = await open("/stage/counters#counter=pages");
  assert.equal(await image(own, beacon + "?key=image"), 1);
  await own.evaluate((url) => {
    navigator.sendBeacon(url, JSON.stringify({ key: "text" }));
    navigator.sendBeacon(url, new URLSearchParams({ key: "form" }));
    navigator.sendBeacon(url, new Blob([JSON.stringify({ key: "blob" })], { type: "application/json" }));
    navigator.sendBeacon(url + "?key=query");
  }, beacon);
  await until(async () => (await count("pages", "*")) === 5);
  assert.equal(await image(own, beacon + "?key="), "error");
  await own.context().close();
  // Under another name it is another site, as far as a browser goes; this page has no policy that keeps it from asking.
  const other = await browser.newPage();
  await other.goto(shop.url.replace("127.0.0.1", "localhost") + "/healthz");
  const told = await other.evaluate(async (url) => {
    navigator.sendBeacon(url, JSON.stringify({ key: "other" }));
    const sent = await fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify({ key: "other" }) });
    return sent.type;
  }, beacon);
  assert.equal(told, "opaque");
  assert.equal(await image(other, beacon + "?key=other"), "error");
  assert.equal(await count("pages", "*"), 5);
  await other.close();
});

test("no page has failed, complained, or asked elsewhere", () => {
  assert.deepEqual(shop.troubles, []);
});
