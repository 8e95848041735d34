// How a sale stands, looked at once a second, and what happened between two looks.

import { histogram, parse, quantile, single, sums } from "./prometheus.js";
import { ask, askText, clock, named, path } from "./wire.js";

/** Domains whose refusals a buyer meets. */
const DOMAINS = ["sale", "order", "stock"];

/** States that orders of a sale come into. */
export const STATES = ["reserved", "paying", "paid", "fulfilled", "expired", "cancelled", "refunding", "refunded"];

/** Requests whose latency is shown. */
const REQUESTS = { buy: "SALE.BUY", poll: "SALE.POSITION" };

/** Everything as it is now. */
async function look(headers) {
  const askedAt = performance.now();
  const [sale, text] = await Promise.all([ask(path`v1/sales/${named}`, { headers }), askText("metrics", { headers })]);
  const at = clock.now() - (performance.now() - askedAt) / 2;
  const families = parse(text);
  return { at, sale, ...countsOf(families), histograms: histogramsOf(families) };
}

function countsOf(families) {
  const refusals = sums(families, "tidegate_refusals_total", "code", ({ domain }) => DOMAINS.includes(domain));
  refusals.busy = single(families, "tidegate_requests_busy_total");
  const counted = STATES.map((state) => [state, single(families, `tidegate_order_${state}_total`)]);
  const commands = sums(families, "tidegate_domain_commands_total", "domain");
  const edge = single(families, "tidegate_requests_at_edge_total");
  const run = Object.values(commands).reduce((sum, value) => sum + value, 0);
  return { refusals, states: Object.fromEntries(counted), edge, requests: run + edge };
}

function histogramsOf(families) {
  const of = (request) => histogram(families, "tidegate_http_request_seconds", request);
  return Object.fromEntries(Object.entries(REQUESTS).map(([name, request]) => [name, of(request)]));
}

/** How many more a second; a count that fell began anew. */
function rate(before, now, seconds) {
  return (now >= before ? now - before : now) / seconds;
}

/** What charts show of one second. */
function sample(before, now) {
  const seconds = Math.max((now.at - before.at) / 1000, 0.1);
  const [was, is] = [before.sale, now.sale];
  const more = (name) => rate(was[name] ?? 0, is[name] ?? 0, seconds);
  const codes = Object.entries(now.refusals).map(([code, count]) => [code, rate(before.refusals[code] ?? 0, count, seconds)]);
  return {
    at: now.at,
    arrivals: more("entrants"),
    admissions: more("admitted"),
    waiting: Math.max(is.entrants - is.admitted, 0),
    available: is.available ?? 0,
    held: is.held ?? 0,
    sold: is.sold ?? 0,
    bought: more("bought"),
    paid: rate(before.states.paid, now.states.paid, seconds),
    returned: more("ended"),
    refusals: Object.fromEntries(codes),
    requests: rate(before.requests, now.requests, seconds),
    edge: rate(before.edge, now.edge, seconds),
    ...latencies(before.histograms, now.histograms),
  };
}

function latencies(before, now) {
  const ms = (name, share) => {
    const seconds = quantile(before[name], now[name], share);
    return seconds === null ? null : seconds * 1000;
  };
  return { buy50: ms("buy", 0.5), buy99: ms("buy", 0.99), poll99: ms("poll", 0.99) };
}

/** Samples of the last while, oldest first. */
export class Samples {
  constructor(keptMs) {
    this.keptMs = keptMs;
    this.all = [];
    this.last = null;
  }

  /** Looks once more; gives everything as it is now. */
  async look(headers) {
    const now = await look(headers);
    if (this.last) this.all.push(sample(this.last, now));
    while (this.all.length > 0 && this.all[0].at < now.at - this.keptMs) this.all.shift();
    this.last = now;
    return now;
  }
}
