// Counters as they count: how fast now, how it went, how many different ones, and which keys lead.

import { Chart } from "./chart.js";
import { ALL, countOf, counters, historyOf, hotOf, samplesOf, samplesTaken, seriesOf, sourcesOf, stepName } from "./counts.js";
import { byId, make, say, show } from "./dom.js";
import { figure, showAnswer, takePassword } from "./look.js";
import { Unanswered, clock, pause } from "./wire.js";
import { about, number, sentence } from "./words.js";

const LOOK_MS = 2_000;

/** How it went is asked again when a tenth of a step has passed, and after so long at most. */
const HISTORY_MS_MAX = 30_000;

/** How often it is asked which counters there are. */
const LIST_MS = 10_000;

/** Of the rate of now at least so much is shown, and no more than is kept. */
const RATES_MS_MIN = 30_000;
const KEPT_MS = 300_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SPANS = { "15 min": HOUR_MS / 4, "1 h": HOUR_MS, "6 h": 6 * HOUR_MS, "24 h": DAY_MS, "7 d": 7 * DAY_MS, "30 d": 30 * DAY_MS, "1 y": 365 * DAY_MS };
const SPAN_MS_MAX = 1_000 * DAY_MS;

/** Fewest of the finest buckets that are looked at, and least pixels of a drag that is meant. */
const BUCKETS_MIN = 5;
const DRAG_MIN = 6;

const headers = {};
let list = []; // All counters.
let listedAt = -Infinity;
const chosen = { counter: null, key: ALL, dim: "" };
const span = { ms: HOUR_MS, to: null }; // It ends now, if it does not say.
let rates = [];
let last = null; // The count of the last look.
let history = null; // How it went, as it was told.
let drawn = ""; // What the lower chart is of.
let live, chart;
let cursor = null;
let drag = null; // Where a drag began, and where it is.

function spanNow() {
  const to = span.to ?? clock.now();
  return [to - span.ms, to];
}

function rateSpan() {
  const now = clock.now();
  const elapsed = rates.length > 0 ? now - rates[0].at : 0;
  return [now - Math.min(Math.max(elapsed, RATES_MS_MIN), KEPT_MS), now];
}

/** The address names what is shown, so that it can be handed on. */
function keepInAddress() {
  const { counter, key, dim } = chosen;
  const words = { counter: counter.name, key, span: Math.round(span.ms) };
  if (dim) words.dim = dim;
  if (span.to !== null) words.to = Math.round(span.to);
  window.history.replaceState(null, "", "#" + new URLSearchParams(words));
}

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  chosen.wanted = words.get("counter");
  chosen.key = words.get("key") || ALL;
  chosen.dim = words.get("dim") ?? "";
  const [ms, to] = [Number(words.get("span")), Number(words.get("to"))];
  if (ms > 0) span.ms = Math.min(ms, SPAN_MS_MAX);
  if (to > 0) span.to = to;
}

/** Shows another counter, key, dimension or span, at once. */
function choose(change) {
  change();
  [rates, last, history] = [[], null, null];
  keepInAddress();
  look();
}

function zoom([from, to]) {
  const least = BUCKETS_MIN * chosen.counter.levels[0].width_ms;
  const ms = Math.min(Math.max(to - from, least), SPAN_MS_MAX);
  const end = Math.min((from + to + ms) / 2, clock.now());
  span.ms = ms;
  span.to = end >= clock.now() - LOOK_MS ? null : end;
  history = null;
  keepInAddress();
  look();
}

function zoomTo(times) {
  const [from, to] = spanNow();
  const [middle, half] = [(from + to) / 2, (span.ms * times) / 2];
  // What ends now goes on to do so.
  zoom(span.to === null ? [to - 2 * half, to] : [middle - half, middle + half]);
}

function move(shares) {
  const [from, to] = spanNow();
  zoom([from + shares * span.ms, to + shares * span.ms]);
}

function drawHead() {
  const { counter, key } = chosen;
  say(byId("title"), key === ALL ? counter.name : `${counter.name} · ${key}`);
  document.title = "Counters · " + counter.name;
  show(byId("class"), counter.class === "relaxed");
  say(byId("class"), counter.class);
  say(byId("clock"), new Date(clock.now()).toLocaleTimeString("en", { hourCycle: "h23" }));
}

function options(select, names, value) {
  const told = JSON.stringify(names);
  if (select.dataset.of !== told) {
    select.replaceChildren(...names.map(([value, name]) => make("option", { value }, name)));
    select.dataset.of = told;
  }
  if (select.value !== value) select.value = value;
}

function drawChoice() {
  const { counter, key, dim } = chosen;
  options(byId("counter"), list.map(({ name }) => [name, name]), counter.name);
  options(byId("dim"), [["", "nothing"], ...counter.dims.map((name) => [name, name])], dim);
  show(byId("split"), counter.dims.length > 0);
  if (document.activeElement !== byId("key")) byId("key").value = key === ALL ? "" : key;
  for (const button of byId("spans").children) {
    const isShown = span.to === null && SPANS[button.textContent] === span.ms;
    button.setAttribute("aria-pressed", String(isShown));
  }
}

function drawFigures(all) {
  const { counts, unique } = history;
  const rate = rates.at(-1)?.rate;
  figure("a second, now", rate === undefined ? null : number(rough(rate)));
  figure("in this span", number(counts.total));
  figure("in all that is kept", number(all.count));
  figure("different ones in it", unique ? estimate(unique) : undefined);
}

function estimate({ unique, standard_error_ppm: ppm }) {
  const percent = ppm / 10_000;
  return `≈ ${number(unique)} ± ${percent < 0.01 ? "0" : number(Number(percent.toPrecision(2)))}%`;
}

/** A chart, which is drawn as soon as it has its size, and again when that changes. */
function chartOf(what) {
  const chart = new Chart(byId("charts"), what);
  new ResizeObserver(drawCharts).observe(chart.svg);
  return chart;
}

/** It is made anew when it is of other series. */
function chartOfHistory() {
  const { counts } = history;
  const series = seriesOf(counts);
  const of = JSON.stringify([series.map(({ name }) => name), counts.step_ms]);
  if (of === drawn) {
    chart.series = series;
    return;
  }
  drawn = of;
  chart?.svg.closest("figure").remove();
  const kind = series.length > 1 ? "stack" : "lines";
  chart = chartOf({ title: "Counted", unit: "in " + stepName(counts.step_ms), series, kind });
}

function drawCharts() {
  if (!history) return;
  const shown = spanNow();
  const within = (span) => (cursor !== null && cursor >= span[0] && cursor <= span[1] ? cursor : null);
  live.draw(rates, rateSpan(), within(rateSpan()));
  chart.draw(samplesOf(history.counts), shown, within(shown), drag && [drag.from, drag.to].sort((a, b) => a - b));
  const words = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", year: "numeric" };
  say(byId("shown"), shown.map((ms) => new Date(ms).toLocaleString("en-GB", words)).join(" – "));
}

/** The items stay where they are and are told anew: who is about to press one of them does so. */
function drawRanks(id, keys) {
  const ranks = byId(id);
  const item = () => make("li", {}, make("button", { type: "button" }, make("span"), make("b"), make("i", { "aria-hidden": "true" })));
  while (ranks.children.length < keys.length) ranks.append(item());
  while (ranks.children.length > keys.length) ranks.lastElementChild.remove();
  const most = Math.max(...keys.map(({ count }) => count), 1);
  keys.forEach(({ key, count }, at) => {
    const button = ranks.children[at].firstElementChild;
    const [name, told, bar] = button.children;
    button.dataset.key = button.title = key;
    button.setAttribute("aria-pressed", String(key === chosen.key));
    say(name, key);
    say(told, number(count));
    bar.style.width = `${Math.max((100 * count) / most, 0.5)}%`;
  });
}

function listenToRanks() {
  for (const id of ["hot", "top"]) {
    byId(id).addEventListener("click", ({ target }) => {
      const key = target.closest("button")?.dataset.key;
      if (key !== undefined) choose(() => (chosen.key = key));
    });
  }
}

/** With as many digits as say something. */
function rough(value) {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(2));
}

function drawLists(hot) {
  const { top } = history;
  show(byId("lists"), top !== null);
  if (top === null) return;
  const halves = `what was counted is worth half after ${stepName(hot.half_life_ms)}`;
  say(byId("hot-note"), hot.keys.length > 0 ? halves : "nothing was counted lately");
  drawRanks("hot", hot.keys.map(({ key, score_milli: score }) => ({ key, count: rough(score / 1000) })));
  const missed = `exact counts; a key that leads in no part of the span may have up to ${number(top.missed_at_most)}`;
  const note = top.exact ? "of the span above, exact" : missed;
  say(byId("top-note"), top.keys.length > 0 ? note : "nothing was counted in this span");
  drawRanks("top", top.keys);
}

/** How far behind the groups are that are given what is counted of topics. */
function drawSources(sources) {
  show(byId("sources"), sources.length > 0);
  const item = (source) => make("li", {}, make("span", {}, `${source.topic} · ${source.group}`), make("b", {}, lagOf(source)));
  byId("lags").replaceChildren(...sources.map(item));
}

function lagOf({ lag: group }) {
  if (group === null) return "there is no such topic, or no group yet";
  const { lag, lag_ms: lagMs, dead, paused } = group;
  const behind = lag > 0 ? `${number(lag)} behind, the oldest for about ${about(lagMs)}` : "up to date";
  return [behind, paused && "paused", dead > 0 && `${number(dead)} dead letters`].filter(Boolean).join(", ");
}

/** Whether what is counted is what its events add up to, as far as the server has looked. */
function drawChecked(taken) {
  show(byId("checked"), taken !== null);
  if (taken === null) return;
  const { buckets, difference, skipped } = taken;
  const wrong = `the last sample differs by ${number(difference)}: see tidegate recount`;
  const told = difference > 0 ? wrong : `${number(buckets)} buckets of keys, none differs`;
  const passed = skipped > 0 ? `; ${number(skipped)} samples were passed over` : "";
  say(byId("checked-note"), (buckets > 0 ? told : "nothing yet") + passed);
}

/** Whether what was told of a span would not be told otherwise by now, by much. */
function isFresh() {
  if (history === null) return false;
  const restMs = Math.min(history.counts.step_ms / 10, HISTORY_MS_MAX);
  return span.to !== null || performance.now() - history.askedAt < restMs;
}

/** How many more a second since the last look. */
function countRate(all) {
  const at = performance.now();
  if (last && all.count >= last.count) {
    rates.push({ at: clock.now(), rate: ((all.count - last.count) * 1000) / (at - last.at) });
    rates = rates.filter((sample) => sample.at >= clock.now() - KEPT_MS);
  }
  last = { count: all.count, at };
}

async function listCounters() {
  if (performance.now() - listedAt < LIST_MS && list.length > 0) return;
  list = await counters(headers);
  listedAt = performance.now();
  const named = (name) => list.find((counter) => counter.name === name);
  const before = chosen.counter?.name;
  chosen.counter = named(before ?? chosen.wanted) ?? list[0] ?? null;
  if (before !== undefined && chosen.counter?.name !== before) {
    [rates, last, history, chosen.key] = [[], null, null, ALL]; // It is gone, and another one is shown.
  }
  if (chosen.counter && !chosen.counter.dims.includes(chosen.dim)) chosen.dim = "";
}

/** Asks for what is chosen; what was chosen otherwise meanwhile is not shown. */
async function lookAtCounts() {
  await listCounters();
  show(byId("empty"), chosen.counter === null);
  show(byId("counts"), chosen.counter !== null);
  if (chosen.counter === null) return;
  const of = { ...chosen };
  const asked = { ...span };
  const [all, told, hot, sources, taken] = await Promise.all([
    countOf(of, headers),
    isFresh() ? history : historyOf(of, spanNow(), headers),
    hotOf(of.counter, headers),
    sourcesOf(of.counter, headers),
    samplesTaken(of.counter, headers),
  ]);
  const isSame = (before, now) => Object.keys(before).every((name) => before[name] === now[name]);
  if (!isSame(of, chosen) || !isSame(asked, span)) return;
  history = told;
  countRate(all);
  chartOfHistory();
  for (const draw of [drawHead, drawChoice]) draw();
  drawFigures(all);
  drawLists(hot);
  drawSources(sources);
  drawChecked(taken);
}

/** Looks, and shows what there is. */
async function look() {
  await showAnswer(lookAtCounts, words);
  drawCharts();
}

function words(error) {
  return error instanceof Unanswered ? "No answer from the server. Asking again …" : sentence(error);
}

function listenToForms() {
  takePassword(headers, look);
  byId("choice").addEventListener("submit", (event) => event.preventDefault());
  byId("counter").addEventListener("change", ({ target }) => {
    const counter = list.find(({ name }) => name === target.value);
    choose(() => Object.assign(chosen, { counter, key: ALL, dim: "" }));
  });
  byId("key").addEventListener("change", ({ target }) => choose(() => (chosen.key = target.value || ALL)));
  byId("all").addEventListener("click", () => choose(() => (chosen.key = ALL)));
  byId("dim").addEventListener("change", ({ target }) => choose(() => (chosen.dim = target.value)));
}

function listenToButtons() {
  const spans = Object.entries(SPANS).map(([name, ms]) => {
    const button = make("button", { type: "button", class: "quiet", "aria-pressed": "false" }, name);
    button.addEventListener("click", () => zoom([clock.now() - ms, clock.now()]));
    return button;
  });
  byId("spans").append(...spans);
  const buttons = { in: () => zoomTo(1 / 2), out: () => zoomTo(2), earlier: () => move(-1 / 2), later: () => move(1 / 2), now: () => zoom([clock.now() - span.ms, clock.now()]) };
  for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
}

/** The chart under a pointer, and the span that it shows. */
function under(target) {
  if (live.svg.contains(target)) return [live, rateSpan()];
  return chart?.svg.contains(target) ? [chart, spanNow()] : [null, null];
}

function followPointer() {
  const charts = byId("charts");
  charts.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !chart?.svg.contains(event.target)) return;
    event.preventDefault(); // Or it would begin to select text.
    const at = chart.timeAt(event.clientX, spanNow());
    drag = { from: at, to: at, x: event.clientX };
    charts.setPointerCapture(event.pointerId);
  });
  charts.addEventListener("pointermove", ({ target, clientX }) => {
    const [over, shown] = drag ? [chart, spanNow()] : under(target);
    cursor = over ? over.timeAt(clientX, shown) : null;
    if (drag) drag.to = cursor;
    drawCharts();
  });
  charts.addEventListener("pointerup", ({ clientX }) => {
    const ended = drag;
    drag = null;
    if (ended && Math.abs(clientX - ended.x) >= DRAG_MIN) zoom([ended.from, ended.to].sort((a, b) => a - b));
    else drawCharts();
  });
  for (const type of ["pointercancel", "pointerleave"]) {
    charts.addEventListener(type, () => {
      [cursor, drag] = [null, null];
      drawCharts();
    });
  }
}

async function start() {
  readAddress();
  live = chartOf({ title: "Now", unit: "a second", series: [{ name: "counted", colour: "aqua", of: ({ rate }) => rate }] });
  listenToForms();
  listenToRanks();
  listenToButtons();
  followPointer();
  await clock.ask().catch(() => {}); // With a password it is asked for below, and this machine's clock does.
  for (;;) {
    const rested = pause(LOOK_MS);
    await look();
    await rested;
  }
}

start();
