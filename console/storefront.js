// The page of a sale: a person joins the queue, waits, is let in, buys and pays.

import { byId, say, show } from "./dom.js";
import { memory, rememberOnlyOf, whenChanged } from "./memory.js";
import { ordersChanged, prepareOrders, showOrder } from "./orders.js";
import { followPlace, notice, placeChanged } from "./place.js";
import { openShop, prepareShop } from "./shop.js";
import { ask, clock, isPassing, named, path, pauseBefore } from "./wire.js";
import { sentence } from "./words.js";

/** What the chip beside the title says in each phase. */
const CHIPS = {
  announced: "not open yet",
  open: "starts soon",
  early: "you are in",
  running: "on now",
  looking: "…",
  drawing: "drawing",
  waiting: "waiting",
  empty: "waiting",
  admitted: "your turn",
  sold_out: "sold out",
  over: "over",
};

async function saleNamed() {
  for (let times = 1; ; times += 1) {
    try {
      return await ask(path`v1/sales/${named}`);
    } catch (error) {
      if (!isPassing(error)) throw error;
      notice(sentence(error), true);
      await pauseBefore(times, error);
    }
  }
}

function phaseChanged(phase) {
  say(byId("state"), CHIPS[phase]);
  byId("state").classList.toggle("live", phase === "admitted" || phase === "running");
  document.title = `${CHIPS[phase]} · ${named}`;
  openShop(phase === "admitted");
  show(byId("proof"), memory.entry !== null);
  say(byId("entry"), memory.entry ?? "");
  say(byId("ticket"), memory.ticket ?? "");
}

async function start() {
  say(byId("title"), named);
  say(byId("proof-sale"), named);
  byId("stage").href = "../stage/" + encodeURIComponent(named);
  let sale;
  try {
    [sale] = await Promise.all([saleNamed(), clock.ask()]);
  } catch (error) {
    say(byId("eyebrow"), "Nothing here");
    say(byId("figure"), "No sale");
    byId("figure").classList.add("words");
    say(byId("headline"), sentence(error));
    return;
  }
  notice("");
  rememberOnlyOf(sale);
  prepareOrders();
  prepareShop(sale, showOrder);
  followPlace(sale, phaseChanged);
  whenChanged(() => {
    placeChanged();
    ordersChanged();
  });
}

start();
