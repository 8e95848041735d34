// What people read: money, times, and what a "no" of the server means to them.

import { Refused, Unanswered } from "./wire.js";

const language = document.documentElement.lang || "en";

/** An amount of minor units, in a currency that may be none. */
export function money(minor, currency) {
  if (!currency || currency === "XXX") return number(minor);
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export function number(value) {
  return new Intl.NumberFormat(language).format(value);
}

export function units(count) {
  return count === 1 ? "1 unit" : number(count) + " units";
}

/** A moment as hours and minutes here; with its day if that is not today. */
export function time(ms, nowMs) {
  const at = new Date(ms);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  const day = isToday ? {} : { day: "numeric", month: "short" };
  return at.toLocaleString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...day });
}

/** What is left of a time, as 9:05 or 1:02:03, and days from two on. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  if (days >= 2) return days + " days";
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** About how long something takes. */
export function about(ms) {
  if (ms < 55_000) return `${Math.max(Math.ceil(ms / 5_000), 1) * 5} s`;
  if (ms < 5_400_000) return `${Math.ceil(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** Every "no" that a buyer may meet. */
const REFUSALS = {
  unknown_sale: () => "There is no sale of this name.",
  not_open: () => "The waiting room is not open yet.",
  over: () => "The sale has ended.",
  full: () => "The waiting room is full: as many have joined as it takes.",
  not_eligible: () => "The shop has checked, and may not let you join this sale.",
  bad_ticket: () => "Your place is not known here any more. Please join again.",
  other_buyer: () => "This place belongs to another buyer.",
  not_admitted: () => "It is not your turn yet.",
  unknown_good: () => "This is not part of the sale.",
  over_limit: ({ taken, max }) => taken >= max
    ? `Each buyer may have ${units(max)} in this sale, and you have ${number(taken)}.`
    : `Each buyer may have ${units(max)} in this sale, and you have ${number(taken)}: choose fewer.`,
  not_on_sale: () => "This is not on sale.",
  bad_token: () => "The shop does not know this purchase. Please try again.",
  token_expired: () => "That took too long. Please try again.",
  sold_out: ({ available }) => available > 0
    ? `Only ${units(available)} of it left.`
    : "Somebody was faster: none is left at the moment. Units that others do not pay for come back.",
  wrong_state: ({ state }) => `This order is ${state} by now.`,
  unknown_provider: () => "This way to pay is not known here.",
  too_many_payments: () => "There were too many tries to pay this order.",
  unauthorized: () => "This server answers only with its password.",
};

/** What went wrong, in a sentence. */
export function sentence(error) {
  if (error instanceof Unanswered) return "No answer from the shop. Asking again …";
  if (!(error instanceof Refused)) return "Something went wrong in this page: " + error.message;
  if (error.code === "busy") return "Many people are here right now. Asking again …";
  if (error.code === "slow_down") return "You are asking too often. Waiting a moment …";
  if (error.code === "pending") return "This takes a moment longer …";
  const words = REFUSALS[error.code];
  return words ? words(error.told) : error.told.detail ?? "The shop said no: " + error.message;
}
