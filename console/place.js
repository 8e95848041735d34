// The place in line: joining, asking how far it is, and saying so.

import { answerGiven, prove, putQuestion } from "./challenge.js";
import { byId, grey, isGrey, say, show } from "./dom.js";
import { forgetPlace, memory, newBuyer, remember } from "./memory.js";
import { ask, askUntilAnswered, clock, isPassing, isRefused, listen, named, path, pause } from "./wire.js";
import { about, countdown, number, sentence, time, units } from "./words.js";

/** However soon the server lets us ask again; and it never has us wait for longer than this. */
const ASK_AGAIN_MS_MIN = 500;
const ASK_AGAIN_MS_MAX = 60_000;
const AFTER_TROUBLE_MS = 3_000;

/** Phases in which the server is asked to tell by itself, and how soon again if it does not. */
const TOLD_PHASES = ["drawing", "waiting", "empty", "sold_out"];
const LISTEN_AGAIN_MS = 30_000;

/** How often a position that changes is read out at most, and how often the countdowns move. */
const ANNOUNCE_MS_MIN = 10_000;
const TICK_MS = 250;

/** Puzzles that are solved for one entry: one may have run out, or be another at another address. */
const PROOFS_MAX = 3;

/** Bytes of a buyer's name, beside what is added to it. */
const NAME_BYTES_MAX = 100;

let sale;
let onPhase = () => {};
let wake = () => {};
let ticket = null; // Whose place is followed.
let stream = null;
let listenAt = 0;
let shown = null;
let announcedAt = 0;

/** Begins to follow the place of this browser in a sale; `changed` is told each phase that it comes into. */
export function followPlace(of, changed) {
  sale = of;
  onPhase = changed;
  byId("join").addEventListener("submit", join);
  byId("name").value = memory.name;
  setInterval(render, TICK_MS);
  document.addEventListener("visibilitychange", () => {
    render();
    followStream();
  });
  if (memory.askAt > clock.now() + ASK_AGAIN_MS_MAX) remember({ askAt: 0 }); // Some clock was wrong.
  placeChanged();
  follow();
}

/** This browser may have another place, or none any more. */
export function placeChanged() {
  render();
  if (memory.ticket !== ticket) {
    stopStream();
    wake();
  }
  ticket = memory.ticket;
  followStream();
}

/** What there is to show: what the server said last, and what the clock says since. */
function phase() {
  const { standing } = memory;
  const now = clock.now();
  if (now >= sale.ends_at_ms || standing?.state === "over") return "over";
  if (now < sale.starts_at_ms) {
    if (memory.ticket) return "early";
    return now < sale.opens_at_ms ? "announced" : "open";
  }
  if (!memory.ticket) return "running";
  if (!standing) return "looking";
  if (standing.state === "early") return "drawing";
  if (standing.state === "waiting" && standing.available === 0) return "empty";
  return standing.state;
}

/** Asks when it is time to: once admitted there is nothing more to ask for. */
async function follow() {
  for (;;) {
    const another = new Promise((resolve) => (wake = resolve));
    const restMs = memory.askAt - clock.now();
    const now = phase();
    if (!memory.ticket || now === "admitted" || now === "over") await another;
    else if (restMs > 0) await Promise.race([another, pause(Math.min(restMs, ASK_AGAIN_MS_MAX))]);
    else await look();
  }
}

/** When to ask again, in so many milliseconds by the server's word. */
function after(ms) {
  return clock.now() + Math.min(Math.max(ms, ASK_AGAIN_MS_MIN), ASK_AGAIN_MS_MAX);
}

/** Asks how far it is. */
async function look() {
  const askedAt = performance.now();
  try {
    const standing = await ask(path`v1/sales/${named}/position?ticket=${memory.ticket}`);
    clock.learn(standing.now_ms, askedAt);
    stand(standing, after(standing.ask_after_ms));
    followStream();
  } catch (error) {
    lookedInVain(error);
  }
  render();
}

function stand(standing, askAt) {
  const ahead = memory.ahead ?? (standing.ahead === null ? null : standing.ahead + 1);
  remember({ standing, ahead, askAt });
  notice("");
}

/**
 * Listens while there is something to wait for and somebody looks; what is told puts off when to ask. Without it,
 * as when the server has no place for one more or something between keeps it back, the page asks as ever.
 */
function followStream() {
  const isWorthIt = memory.ticket && TOLD_PHASES.includes(phase()) && !document.hidden;
  if (!isWorthIt) return stopStream();
  if (stream || performance.now() < listenAt) return;
  const of = path`v1/sales/${named}/stream?ticket=${memory.ticket}`;
  stream = listen(of, "SALE.POSITION", told, () => {
    stream = null;
    listenAt = performance.now() + LISTEN_AGAIN_MS * (1 + Math.random());
  });
}

function told(standing) {
  stand(standing, Math.max(memory.askAt, after(standing.ask_after_ms)));
  followStream();
  render();
}

function stopStream() {
  stream?.close();
  stream = null;
}

function lookedInVain(error) {
  if (isRefused(error, "bad_ticket", "unknown_sale")) forgetPlace();
  const restMs = Math.max(error.told?.retry_after_ms ?? 0, AFTER_TROUBLE_MS);
  remember({ askAt: after(restMs * (1 + Math.random())) });
  notice(sentence(error), isPassing(error));
}

async function join(event) {
  event.preventDefault();
  const button = byId("enter");
  const name = nameGiven();
  if (isGrey(button) || !name) return;
  grey(button, true);
  notice("");
  // Known before it is asked for: whatever becomes of the answer, this browser asks as the same buyer.
  if (!memory.buyer || memory.name !== name) remember({ name, buyer: newBuyer(name) });
  try {
    const joined = await enter();
    const askAt = after(joined.ask_after_ms);
    remember({ ticket: joined.ticket, entry: joined.entry, ahead: null, standing: null, askAt });
    notice("");
    byId("place").focus();
  } catch (error) {
    notice(isQuestion(error) ? putQuestion(error.told) : sentence(error));
  }
  grey(button, false);
  placeChanged();
}

function isQuestion(error) {
  return isRefused(error, "challenge") && error.told.kind === "question";
}

/** Enters, with what a puzzle asks for; a question is put to the person, who joins with its answer then. */
async function enter() {
  let solved = answerGiven();
  for (let times = 1; ; times += 1) {
    try {
      const body = { buyer: memory.buyer, ...solved };
      return await askUntilAnswered(path`v1/sales/${named}/entries`, { body }, calmly);
    } catch (error) {
      if (!isRefused(error, "challenge") || isQuestion(error) || times > PROOFS_MAX) throw error;
      solved = { ...solved, proof: await prove(error.told, tellProgress) };
    }
  }
}

/** How far a puzzle is, by what it takes on average. */
function tellProgress(share) {
  notice(`Proving that this is no flood of machines: ${Math.round(100 * share)}% …`, true);
}

/** The name in the field, without what no id may have, and no longer than it may be. */
function nameGiven() {
  let name = byId("name").value.replace(/\p{Cc}/gu, "").trim();
  while (new TextEncoder().encode(name).length > NAME_BYTES_MAX) name = name.slice(0, -1);
  return name.toWellFormed?.() ?? name;
}

function calmly(error) {
  notice(sentence(error), true);
}

export function notice(text, isCalm = false) {
  byId("notice").classList.toggle("calm", isCalm);
  say(byId("notice"), text);
}

/** What each phase shows: a line above, the large figure, and what it means. */
const VIEWS = {
  announced: () => ({
    above: "The waiting room opens in",
    figure: countdown(sale.opens_at_ms - clock.now()),
    line: `The sale starts at ${time(sale.starts_at_ms, clock.now())}. Who joins before then has the same chance as everybody else.`,
  }),
  open: () => ({
    above: "The sale starts in",
    figure: countdown(sale.starts_at_ms - clock.now()),
    line: "Join now: the order of all who join before the start is drawn, so being first does not matter.",
    joins: true,
  }),
  early: () => ({
    above: "The sale starts in",
    figure: countdown(sale.starts_at_ms - clock.now()),
    line: `You are in, ${memory.name}. At the start the order of all who are in is drawn, and you will see your position here.`,
  }),
  running: () => ({
    above: "The sale is on",
    words: "Come in",
    line: "Join the queue: you stand behind those who are in it already.",
    joins: true,
  }),
  looking: () => ({ above: "One moment", words: "Looking for your place", line: "" }),
  drawing: () => ({
    above: "The sale has started",
    words: "Drawing the order",
    line: `${memory.standing ? number(memory.standing.entrants) : "All"} people are in. Your position will be here in a moment.`,
  }),
  waiting: () => ({
    above: "People ahead of you",
    figure: number(Math.ceil(stillAhead())),
    line: `Keep this page open, ${memory.name}: it will let you in by itself.`,
    waits: true,
  }),
  empty: () => ({
    above: "Sold out for now",
    figure: number(memory.standing.ahead) + " ahead",
    line: backLine(),
    waits: true,
  }),
  admitted: () => ({
    above: `Come in, ${memory.name}`,
    words: "It is your turn",
    line: "Choose below. What you buy is held for you, and yours once it is paid.",
  }),
  sold_out: () => ({
    above: "Sold out",
    words: "Everything is sold",
    line: `All units are sold and paid for. Your position was ${number(memory.standing.position)}.`,
  }),
  over: () => ({
    above: "Thank you for coming",
    words: "It is over",
    line: `It ended at ${time(sale.ends_at_ms, clock.now())}.`,
  }),
};

function backLine() {
  const until = memory.standing.back_by_ms ? ` until ${time(memory.standing.back_by_ms, clock.now())}` : "";
  return `${units(memory.standing.held)} are being paid for by others: some may come back${until}. You keep your place.`;
}

function render() {
  const now = phase();
  const { above, figure, words, line, joins = false, waits = false } = VIEWS[now]();
  say(byId("eyebrow"), above);
  say(byId("figure"), figure ?? words);
  byId("figure").classList.toggle("words", words !== undefined);
  say(byId("headline"), line);
  show(byId("join"), joins);
  show(byId("facts"), waits);
  show(byId("gauge"), waits);
  byId("place").classList.toggle("short", now === "admitted");
  if (waits) renderWait();
  announce(now, above, figure ?? words, line);
  if (now !== shown) {
    shown = now;
    onPhase(now);
  }
}

/** How long it still takes, at the pace of the last answer; null if that is not known. */
function stillMs() {
  const { wait_ms: waitMs, now_ms: toldMs } = memory.standing;
  return waitMs === null ? null : Math.max(toldMs + waitMs - clock.now(), 0);
}

/** How many are still ahead at that pace. */
function stillAhead() {
  const { ahead, wait_ms: waitMs } = memory.standing;
  return waitMs === null ? ahead : (ahead * stillMs()) / Math.max(waitMs, 1);
}

function renderWait() {
  const { position, available } = memory.standing;
  const leftMs = stillMs();
  say(byId("position"), number(position));
  say(byId("wait"), leftMs === null ? "not known" : about(leftMs));
  say(byId("left"), available === null ? "–" : number(available));
  const far = 100 * (1 - stillAhead() / Math.max(memory.ahead ?? 1, 1));
  const gauge = byId("gauge");
  gauge.setAttribute("aria-valuenow", String(Math.round(Math.min(Math.max(far, 0), 100))));
  gauge.firstElementChild.style.width = `${Math.min(Math.max(far, 2), 100)}%`;
}

/** Says a new phase at once, and a position now and then, to those who do not see it. */
function announce(now, above, figure, line) {
  const counts = now === "waiting" || now === "empty";
  const isNew = now !== shown;
  const isDue = counts && performance.now() - announcedAt > ANNOUNCE_MS_MIN;
  if (!isNew && !isDue) return;
  announcedAt = performance.now();
  say(byId("announcer"), counts ? `${above}: ${figure}. ${isNew ? line : ""}` : `${above}. ${line}`);
}
