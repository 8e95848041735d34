// Asking the server: one request, or one that is asked again until it is answered. And the server's time.

/** Where the server's paths begin: a proxy may serve it all under a prefix. */
const base = new URL("..", location.href);

/** What the last part of the page's path names. */
export const named = decodeURIComponent(location.pathname.split("/").pop());

/** Milliseconds after which an answer is not waited for any more, beyond what the request itself waits. */
const PATIENCE_MS = 12_000;

/** How soon something is asked again that was not answered, and how late at most. */
const AGAIN_MS = 500;
const AGAIN_MS_MAX = 8_000;

/** A "no", as the server gave it: its `code` and what else it says. */
export class Refused extends Error {
  constructor(status, told) {
    super(told.code ?? String(status));
    this.status = status;
    this.told = told;
  }

  get code() {
    return this.told.code;
  }
}

/** Nothing is known about what came of a request. */
export class Unanswered extends Error {}

/** Whether asking for the same again is the thing to do: the server is busy, or nobody knows. */
export function isPassing(error) {
  if (error instanceof Unanswered) return true;
  const passing = ["busy", "slow_down", "stopping", "outcome_unknown", "disk_full", "pending", "body_timeout", "too_late"];
  return error instanceof Refused && passing.includes(error.code);
}

export function isRefused(error, ...codes) {
  return error instanceof Refused && codes.includes(error.code);
}

/** A path from its parts; every text in it stays one part. */
export function path(parts, ...values) {
  return parts.reduce((path, part, at) => path + encodeURIComponent(values[at - 1]) + part);
}

/** One request: a GET, or a POST of a body. */
export async function ask(path, { body, waitMs = 0, headers = {} } = {}) {
  const init = { cache: "no-store", headers: { ...headers }, signal: AbortSignal.timeout(PATIENCE_MS + waitMs) };
  if (body) {
    init.method = "POST";
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response, told;
  try {
    response = await fetch(new URL(path, base), init);
    told = await response.json();
  } catch (error) {
    throw new Unanswered(error.message);
  }
  if (response.ok && response.status !== 202) return told;
  throw new Refused(response.status, told);
}

/** A GET whose answer is no JSON. */
export async function askText(path, { headers = {} } = {}) {
  try {
    const response = await fetch(new URL(path, base), { cache: "no-store", headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return await response.text();
    throw new Refused(response.status, await response.json());
  } catch (error) {
    throw error instanceof Refused ? error : new Unanswered(error.message);
  }
}

/** Has the server tell what a query answers as it changes. `lost` is called once it does not any more. */
export function listen(path, query, told, lost) {
  const source = new EventSource(new URL(path, base));
  const end = () => {
    source.close();
    lost();
  };
  source.addEventListener(query, (event) => told(JSON.parse(event.data)));
  source.addEventListener("problem", end);
  // It connects again by itself, unless it was refused.
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && end());
  return source;
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits before the `times`th try: as long as the server asks for, or twice as long as before; never all at once. */
export function pauseBefore(times, error) {
  const asked = error instanceof Refused ? error.told.retry_after_ms ?? 0 : 0;
  const grown = Math.min(AGAIN_MS * 2 ** (times - 1), AGAIN_MS_MAX);
  return pause(Math.max(asked, grown) * (1 + Math.random() / 2));
}

/** The same request until there is an answer to it; `onTrouble` is told why there was none. */
export async function askUntilAnswered(path, options = {}, onTrouble = () => {}) {
  for (let times = 1; ; times += 1) {
    try {
      const body = typeof options.body === "function" ? options.body() : options.body;
      return await ask(path, { ...options, body });
    } catch (error) {
      if (!isPassing(error)) throw error;
      onTrouble(error);
      await pauseBefore(times, error);
    }
  }
}

/** The server's time: the clock of this machine may be wrong, so only how long it runs is taken from it. */
export const clock = {
  ahead: Date.now() - performance.now(),
  spread: Infinity,

  now() {
    return performance.now() + this.ahead;
  },

  /** Learns it from an answer that said `nowMs` and came this long after it was asked for: the quickest is right. */
  learn(nowMs, askedAt) {
    const spread = performance.now() - askedAt;
    if (spread > this.spread) return;
    this.spread = spread;
    this.ahead = nowMs + spread / 2 - performance.now();
  },

  async ask() {
    const askedAt = performance.now();
    const { now_ms: nowMs } = await askUntilAnswered("v1/time");
    this.learn(nowMs, askedAt);
  },
};
