// What this browser remembers of a sale: who is in line, and what they have bought. All tabs share it.

import { named } from "./wire.js";

const KEY = "tidegate.sale." + named;

/**
 * Without a ticket nobody is in line. `standing` is the last answer about the place, and `askAt` when it may be asked
 * for again, so that loading the page anew asks no sooner; `ahead` is how many were ahead at first. `buying` is a
 * purchase whose end is not known.
 */
const NO_PLACE = { buyer: null, ticket: null, entry: null, ahead: null, standing: null, askAt: 0, buying: null };
const NOTHING = { name: "", commitment: null, ...NO_PLACE, orders: [] };

/** What is kept; nothing if that is not allowed here, and then a reload keeps nothing either. */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export const memory = { ...structuredClone(NOTHING), ...read() };

/** Changes it, here and in the other tabs. What others wrote meanwhile stays, but for what is given. */
export function remember(changes) {
  Object.assign(memory, read(), changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(memory));
  } catch {
    // This page goes on all the same.
  }
}

/** Forgets what is of an earlier sale of the same name: each has another commitment. */
export function rememberOnlyOf({ commitment }) {
  if (memory.commitment !== commitment) remember({ ...structuredClone(NOTHING), name: memory.name, commitment });
}

export function forgetPlace() {
  remember(NO_PLACE);
}

export function orderOf(id) {
  return memory.orders.find((order) => order.id === id);
}

export function rememberOrder(id, changes) {
  const orders = read().orders ?? memory.orders;
  const known = orders.find((order) => order.id === id);
  if (known) Object.assign(known, changes);
  else orders.push({ id, ...changes });
  remember({ orders });
}

/** Tells when another tab has changed it. */
export function whenChanged(act) {
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    Object.assign(memory, read());
    act();
  });
}

/** A buyer's id that nobody guesses: whoever knows it has their place. */
export function newBuyer(name) {
  const random = crypto.getRandomValues(new Uint8Array(10));
  return name + "-" + Array.from(random, (byte) => byte.toString(36).padStart(2, "0")).join("").slice(0, 16);
}
