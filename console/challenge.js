// What is to be solved before somebody may join: a puzzle that costs this machine some time, or a question.

import { byId, say, show } from "./dom.js";

/** How long hashes are computed in one go: in between the page answers to its visitor. */
const SLICE_MS = 12;
const HASHES_AT_ONCE = 256;

/** A text whose SHA-256 behind the puzzle begins with so many zero bits; `told` learns which share is expected done. */
export async function prove({ puzzle, bits }, told) {
  const hash = hasherOf(puzzle);
  const expected = 2 ** bits;
  for (let number = 0; ; ) {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      for (const end = number + HASHES_AT_ONCE; number < end; number += 1) {
        if (hasZeros(hash(String(number)), bits)) return String(number);
      }
    }
    told(1 - Math.exp(-number / expected));
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Shows the question of a sale; what is joined with next has its answer. */
export function putQuestion({ question }) {
  const isNew = byId("question").hidden;
  say(byId("question-text"), question);
  show(byId("question"), true);
  byId("answer").required = true;
  byId("answer").focus();
  return isNew ? "Please answer the question." : "That is not the answer. Please try again.";
}

/** What answers the question, if one was put. */
export function answerGiven() {
  return byId("question").hidden ? {} : { answer: byId("answer").value };
}

/** Whether a hash begins with so many zero bits; no puzzle asks for more than its first word has. */
function hasZeros([first], bits) {
  return Math.clz32(first) >= bits;
}

/** The first 32 bits of the fractional parts of a root of the first primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function rootsOfPrimes(count, root) {
  const primes = [];
  for (let number = 2; primes.length < count; number += 1) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32) | 0);
}

const ROUNDS = Int32Array.from(rootsOfPrimes(64, Math.cbrt));
const INITIAL = rootsOfPrimes(8, Math.sqrt);

/** SHA-256 (FIPS 180-4) of a text behind another; both in ASCII, and together in one block: at most 55 bytes. */
function hasherOf(before) {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  new TextEncoder().encodeInto(before, bytes);
  return (text) => {
    const length = before.length + text.length;
    for (let at = 0; at < text.length; at += 1) bytes[before.length + at] = text.charCodeAt(at);
    bytes.fill(0, length);
    bytes[length] = 0x80;
    view.setUint32(60, length * 8);
    return compressed(view);
  };
}

const schedule = new Int32Array(64);

function compressed(view) {
  for (let at = 0; at < 16; at += 1) schedule[at] = view.getInt32(4 * at);
  for (let at = 16; at < 64; at += 1) {
    const [x, y] = [schedule[at - 15], schedule[at - 2]];
    const small = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
    const large = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
    schedule[at] = (schedule[at - 16] + small + schedule[at - 7] + large) | 0;
  }
  let [a, b, c, d, e, f, g, h] = INITIAL;
  for (let at = 0; at < 64; at += 1) {
    const chosen = (e & f) ^ (~e & g);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + chosen + ROUNDS[at] + schedule[at]) | 0;
    const most = (a & b) ^ (a & c) ^ (b & c);
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  return [a, b, c, d, e, f, g, h].map((word, at) => (word + INITIAL[at]) | 0);
}

function turned(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}
