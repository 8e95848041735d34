// The stage of a sale: how it goes, second by second.

import { Chart } from "./chart.js";
import { byId, make, say } from "./dom.js";
import { figure, showAnswer, takePassword } from "./look.js";
import { STATES, Samples } from "./samples.js";
import { clock, named, pause } from "./wire.js";
import { countdown, number, sentence } from "./words.js";

const LOOK_MS = 1_000;

/** The span of time that charts show: at least so much, and no more than is kept. */
const SPAN_MS_MIN = 30_000;
const KEPT_MS = 300_000;

/** Reasons of refusals that have a colour of their own; all others are together. */
const REASONS = {
  sold_out: "red",
  over_limit: "orange",
  not_admitted: "violet",
  challenge: "magenta",
  busy: "yellow",
};

const STATE_COLOURS = { reserved: "yellow", paying: "violet", paid: "blue", fulfilled: "aqua", expired: "orange", cancelled: "grey", refunding: "magenta", refunded: "red" };

const samples = new Samples(KEPT_MS);
const headers = {};
let charts = [];
let cursor = null;
let lastUnits = null; // At the last look.
let total = null; // When all goods were known at first, which is soon after the start.

function series(name, colour, of) {
  return { name, colour, of };
}

function reason(code, colour) {
  return series(code.replaceAll("_", " "), colour, ({ refusals }) => refusals[code] ?? 0);
}

function otherReasons({ refusals }) {
  return Object.entries(refusals).reduce((sum, [code, value]) => sum + (code in REASONS ? 0 : value), 0);
}

const CHARTS = [
  {
    title: "People",
    unit: "a second",
    series: [series("arrivals", "blue", (of) => of.arrivals), series("admitted", "aqua", (of) => of.admissions)],
  },
  { title: "In line", unit: "people", kind: "stack", series: [series("waiting", "violet", (of) => of.waiting)] },
  {
    title: "Units",
    unit: "of all goods",
    kind: "stack",
    series: [
      series("sold", "blue", (of) => of.sold),
      series("held", "yellow", (of) => of.held),
      series("available", "aqua", (of) => of.available),
    ],
  },
  {
    title: "Orders",
    unit: "a second",
    series: [
      series("bought", "yellow", (of) => of.bought),
      series("paid", "blue", (of) => of.paid),
      series("returned", "orange", (of) => of.returned),
    ],
  },
  {
    title: "Refusals by reason",
    unit: "a second",
    kind: "stack",
    series: [...Object.entries(REASONS).map(([code, colour]) => reason(code, colour)), series("others", "grey", otherReasons)],
  },
  {
    title: "Latency",
    unit: "ms, logarithmic",
    isLog: true,
    series: [
      series("buy p50", "blue", (of) => of.buy50),
      series("buy p99", "red", (of) => of.buy99),
      series("poll p99", "aqua", (of) => of.poll99),
    ],
  },
  {
    title: "Requests",
    unit: "a second",
    series: [series("all", "blue", (of) => of.requests), series("answered at the edge", "aqua", (of) => of.edge)],
  },
];

function span() {
  const to = clock.now();
  const elapsed = samples.all.length > 0 ? to - samples.all[0].at : 0;
  return [to - Math.min(Math.max(elapsed, SPAN_MS_MIN), KEPT_MS), to];
}

function drawCharts() {
  const shown = span();
  for (const chart of charts) chart.draw(samples.all, shown, cursor !== null && cursor >= shown[0] ? cursor : null);
}

function drawFigures({ sale }) {
  const count = (name, value) => figure(name, value === null ? null : number(value));
  count("entered", sale.entrants);
  count("in line", Math.max(sale.entrants - sale.admitted, 0));
  count("admitted", sale.admitted);
  count("units left", sale.available);
  count("held", sale.held);
  count("sold", sale.sold);
  count("returned", sale.ended);
}

function drawStates({ states }) {
  const most = Math.max(...Object.values(states), 1);
  for (const state of STATES) {
    const id = "state-" + state;
    if (!byId(id)) {
      const bar = make("span", { class: "bar " + STATE_COLOURS[state], "aria-hidden": "true" }, make("i"));
      byId("states").append(make("li", { id }, make("span", {}, state), bar, make("b", {}, "0")));
    }
    const [, bar, count] = byId(id).children;
    bar.firstElementChild.style.width = `${(100 * states[state]) / most}%`;
    say(count, number(states[state]));
  }
}

/** The lines of the books: what is added, and what it must come to. */
function booksOf(sale) {
  const units = sale.available + sale.held + sale.sold;
  if (units > 0 && units === lastUnits) total ??= units;
  lastUnits = units;
  const more = units - (total ?? units);
  const sameAsEver = more === 0 ? "as many as at first" : `${number(Math.abs(more))} ${more > 0 ? "more" : "fewer"} than at first`;
  const living = sale.bought - sale.ended;
  return [
    ["available", number(sale.available)],
    ["+ held", number(sale.held)],
    ["+ sold", number(sale.sold)],
    ["= total", number(units), "sum"],
    ["", sameAsEver, more === 0 ? "good" : "bad"],
    ["tokens issued", number(sale.tokens), "gap"],
    ["of them bought by", number(sale.bought)],
    ["− ended", number(sale.ended)],
    ["= orders that stand", number(living), "sum"],
    ["", living <= sale.tokens && living >= 0 ? "no more than tokens" : "more than tokens", living <= sale.tokens && living >= 0 ? "good" : "bad"],
  ];
}

function drawBooks({ sale }) {
  if (sale.available === null) return;
  const lines = booksOf(sale);
  const table = byId("books");
  while (table.rows.length < lines.length) table.append(make("tr", {}, make("td"), make("td")));
  lines.forEach(([name, value, kind = ""], at) => {
    const row = table.rows[at];
    row.className = kind;
    say(row.cells[0], name);
    say(row.cells[1], value);
  });
}

function drawHead({ sale }) {
  say(byId("state"), sale.state);
  byId("state").classList.toggle("live", sale.state === "running");
  const now = clock.now();
  const [what, ms] = now < sale.starts_at_ms ? ["starts in", sale.starts_at_ms - now] : ["ends in", sale.ends_at_ms - now];
  say(byId("clock"), sale.state === "over" ? "" : `${what} ${countdown(ms)}`);
}

/** Looks, and shows what there is. */
async function look() {
  await showAnswer(async () => {
    const now = await samples.look(headers);
    for (const draw of [drawHead, drawFigures, drawStates, drawBooks]) draw(now);
  }, sentence);
  drawCharts();
}

function followPointer() {
  byId("charts").addEventListener("pointermove", ({ target, clientX }) => {
    const chart = charts.find(({ svg }) => svg.contains(target));
    cursor = chart ? chart.timeAt(clientX, span()) : null;
    drawCharts();
  });
  byId("charts").addEventListener("pointerleave", () => {
    cursor = null;
    drawCharts();
  });
}

async function start() {
  say(byId("title"), named);
  document.title = "Stage · " + named;
  byId("storefront").href = "../sale/" + encodeURIComponent(named);
  const first = byId("charts").firstElementChild;
  const drawn = make("div", { class: "unseen" });
  charts = CHARTS.map((of) => new Chart(drawn, of));
  first.before(...drawn.children);
  takePassword(headers, look);
  followPointer();
  await clock.ask().catch(() => {}); // With a password it is asked for below, and this machine's clock does.
  for (;;) {
    const rested = pause(LOOK_MS);
    await look();
    await rested;
  }
}

start();
