// A shop to visit: a server, a payment sandbox, and sales of a few things; and people who visit it over HTTP.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.TIDEGATE_BINARY;

/** How long a process may take until it is ready. */
const START_MS = 30_000;

/** How often people look again who wait for something. */
const LOOK_MS = 50;

/** A port that nobody has now: server and sandbox are to know of each other before either runs. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** What was started and has not ended, and where it lies: it goes with this process, however that comes about short of a kill. */
const running = new Set();
const folders = new Set();

process.on("exit", () => {
  running.forEach((child) => child.kill("SIGKILL"));
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Starts the program, and gives it once it says that it is ready. */
async function run(args) {
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  child.on("exit", () => running.delete(child));
  const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== "ready") continue;
    clearTimeout(late);
    child.stdout.resume();
    return child;
  }
  throw new Error(`${args[0]} ended before it was ready`);
}

async function end(child) {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

export class Shop {
  static async open() {
    const shop = new Shop();
    shop.troubles = []; // What no page may do.
    shop.folder = await mkdtemp(join(tmpdir(), "tidegate-browser-"));
    folders.add(shop.folder);
    const [http, pay] = [await freePort(), await freePort()];
    shop.url = `http://127.0.0.1:${http}`;
    shop.payUrl = `http://127.0.0.1:${pay}`;
    const secret = join(shop.folder, "secret");
    await writeFile(secret, "whsec_" + Buffer.alloc(32, 7).toString("base64"));
    const config = join(shop.folder, "tidegate.toml");
    await writeFile(config, settings(shop.payUrl, secret));
    const webhooks = ["--webhook-url", `${shop.url}/v1/payments/bank/webhook`, "--webhook-secret-file", secret];
    // Whom nobody has in hand pays soon: that is the people of `visit`.
    shop.sandbox = await run(["pay-sandbox", "--listen", `127.0.0.1:${pay}`, "--pay-after", "700..3000", ...webhooks]);
    const addresses = ["--resp", "127.0.0.1:0", "--http", `127.0.0.1:${http}`];
    shop.server = await run(["serve", "--data", join(shop.folder, "data"), "--config", config, ...addresses, "--sample-every", "1"]);
    return shop;
  }

  async close() {
    await end(this.server);
    await end(this.sandbox);
  }

  /** Has what pages of a browser do noted that they must not: fail, complain, or ask elsewhere. */
  watch(context) {
    context.on("weberror", (error) => this.troubles.push(String(error.error())));
    context.on("console", (message) => {
      // A refusal is an answer, which the browser notes as an error.
      const isAnswer = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isAnswer) this.troubles.push(message.text());
    });
    context.on("request", (request) => {
      const { origin } = new URL(request.url());
      if (![this.url, this.payUrl].includes(origin)) this.troubles.push(`${request.url()} is elsewhere`);
    });
  }

  /** Asks, again while the server is busy; a "no" is thrown, with its code. */
  async ask(path, body, method = body ? "POST" : "GET") {
    const headers = body ? { "content-type": "application/json" } : {};
    const init = { method, headers, body: body && JSON.stringify(body) };
    for (;;) {
      const response = await fetch(this.url + path, init);
      const told = await response.json();
      if (response.ok && response.status !== 202) return told;
      if (response.status !== 503 && response.status !== 202) throw Object.assign(new Error(told.code), told);
    }
  }

  async now() {
    return (await this.ask("/v1/time")).now_ms;
  }

  /** Announces a sale of `goods`, pairs of a SKU and its units, at 20.00 EUR each; times are from now on, in ms. */
  async announce(id, { goods, startsIn = 0, opensIn, endsIn = 3_600_000, ...more }) {
    for (const [sku, total] of goods) await this.ask(`/v1/stock/${sku}`, { total }, "PUT");
    const now = await this.now();
    const times = { starts_at_ms: now + startsIn, ends_at_ms: now + endsIn };
    if (opensIn) times.opens_at_ms = now + opensIn;
    const priced = goods.map(([sku]) => ({ sku, unit_price: 2_000 }));
    await this.ask("/v1/sales", { id, ...times, goods: priced, currency: "EUR", ...more });
  }

  /** Many enter; gives their tickets. */
  enter(sale, people) {
    const enter = async (_, at) => {
      const buyer = `person-${at}`;
      const { ticket } = await this.ask(`/v1/sales/${sale}/entries`, { buyer });
      return { buyer, ticket };
    };
    return Promise.all(Array.from({ length: people }, enter));
  }

  /** Waits until somebody is admitted, and then buys; gives the order. */
  async buyInTurn(sale, person, sku) {
    const standing = () => this.ask(`/v1/sales/${sale}/position?ticket=${person.ticket}`);
    await until(async () => ["admitted", "over", "sold_out"].includes((await standing()).state));
    return this.buy(sale, person, sku);
  }

  /** Somebody who is admitted buys; gives the order, once it is there: it follows by some milliseconds. */
  async buy(sale, { buyer, ticket }, sku) {
    const { token, nonce } = await this.ask(`/v1/sales/${sale}/tokens`, { buyer, ticket, sku, quantity: 1 });
    const bought = await this.ask(`/v1/sales/${sale}/buy/${nonce}`, { sku, buyer, token });
    await until(async () => (await this.ask(`/v1/buyers/${buyer}/orders`)).items.length > 0);
    return bought.order;
  }

  /** Pays an order at the sandbox's page, as a browser would. */
  async pay(order) {
    const { checkout_url: page } = await this.ask(`/v1/orders/${order}/payments`, { payment: "p", provider: "bank" });
    await fetch(page, { method: "POST", body: "decision=pay" });
    await until(async () => (await this.ask(`/v1/orders/${order}`)).state === "paid");
  }
}

export async function until(isSo) {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

function settings(payUrl, secret) {
  return `[providers.bank]
create = "${payUrl}/v1/payments"
query = "${payUrl}/v1/payments/{id}"
refund = "${payUrl}/v1/payments/{id}/refunds"
webhook_secret_file = "${secret}"
ask_after_ms = [5000, 20000]
`;
}
