// What is asked of counters, and what charts show of the answers.

import { parse } from "./prometheus.js";
import { ask, askText, isRefused, path } from "./wire.js";

/** All keys together. */
export const ALL = "*";

/** Values of a dimension that have a colour of their own; all others are together. */
const COLOURS = ["blue", "aqua", "yellow", "violet", "red", "orange", "magenta"];

const RANKS = 10;

export async function counters(headers) {
  return (await ask("v1/counters?limit=1000", { headers })).items;
}

/** How much was counted of a key in all. */
export function countOf({ counter, key }, headers) {
  return ask(path`v1/counters/${counter.name}/keys/${key}`, { headers });
}

/** How it went over a span of time: counts in steps, perhaps by the values of a dimension; leading keys; visitors. */
export async function historyOf({ counter, key, dim }, [from, to], headers) {
  const span = `from_ms=${Math.floor(from)}&to_ms=${Math.ceil(to)}`;
  const range = path`v1/counters/${counter.name}/keys/${key}/range` + `?${span}` + (dim ? "&by=" + encodeURIComponent(dim) : "");
  const askedAt = performance.now();
  const [counts, top, unique] = await Promise.all([
    ask(range, { headers }),
    counter.top > 0 ? ask(path`v1/counters/${counter.name}/top` + `?${span}&count=${RANKS}`, { headers }) : null,
    counter.unique ? uniqueOf(counter, key, [from, to], headers) : null,
  ]);
  return { askedAt, counts, top, unique };
}

function uniqueOf({ name }, key, [from, to], headers) {
  const body = { keys: [{ key }], from_ms: Math.floor(from), to_ms: Math.ceil(to) };
  return ask(path`v1/counters/${name}/unique`, { headers, body });
}

/** The keys that lead now, where what happened counts the less the longer ago it was. */
export function hotOf({ name, top }, headers) {
  return top > 0 ? ask(path`v1/counters/${name}/hot` + `?count=${RANKS}`, { headers }) : null;
}

/** The topics whose messages are counted, each with what its group lags behind; null if there is no such group. */
export async function sourcesOf({ name }, headers) {
  const { items } = await ask(`v1/sources/counters?prefix=${encodeURIComponent(name)}&limit=1`, { headers });
  const own = items.find((item) => item.name === name);
  return Promise.all((own?.sources ?? []).map(async (source) => ({ ...source, lag: await lagOf(source, headers) })));
}

async function lagOf({ topic, group }, headers) {
  try {
    const { items } = await ask(path`v1/topics/${topic}/groups` + "?limit=100", { headers });
    return items.find((item) => item.group === group) ?? null;
  } catch (error) {
    if (isRefused(error, "unknown_topic")) return null;
    throw error;
  }
}

/** What has come of samples of a counter, which are counted again from its events; null if there is none. */
export async function samplesTaken({ name, raw }, headers) {
  if (raw === null) return null;
  const families = parse(await askText("metrics", { headers }));
  const own = (family) => families.get("tidegate_counter_" + family)?.find(({ labels }) => unescaped(labels.counter) === name)?.value;
  const buckets = own("sampled_buckets_total");
  return buckets === undefined ? null : { buckets, difference: own("sampled_difference"), skipped: own("samples_skipped_total") };
}

/** A label as it was before it was written. */
function unescaped(label) {
  return label.replace(/\\(.)/g, "$1");
}

/** Steps as a chart has them: those that are over, each at its beginning. */
export function samplesOf({ from_ms: from, step_ms: step, counts, values, as_of_ms: asOf }) {
  const sample = (count, at) => ({
    at: from + at * step,
    count,
    values: values?.map((one) => one.counts[at]) ?? [],
  });
  return counts.map(sample).filter(({ at }) => at + step <= asOf);
}

/** The series of a chart: one, or one for each of the first values and one for all others together. */
export function seriesOf({ values }) {
  if (!values || values.length === 0) return [{ name: "counted", colour: "blue", of: ({ count }) => count }];
  const shown = values.slice(0, COLOURS.length);
  const first = shown.map(({ value }, at) => ({
    name: value ?? "others",
    colour: COLOURS[at],
    of: (sample) => sample.values[at] ?? 0,
  }));
  const rest = (sample) => Math.max((sample.count ?? 0) - first.reduce((sum, { of }) => sum + of(sample), 0), 0);
  return [...first, { name: "rest", colour: "grey", of: rest }];
}

const STEPS = { 1_000: "a second", 60_000: "a minute", 3_600_000: "an hour", 86_400_000: "a day" };

/** How long a step is, in words: "a minute", "10 minutes". */
export function stepName(ms) {
  if (STEPS[ms]) return STEPS[ms];
  const [unit, name] = [[86_400_000, "days"], [3_600_000, "hours"], [60_000, "minutes"]].find(([unit]) => ms % unit === 0) ?? [1_000, "seconds"];
  return `${ms / unit} ${name}`;
}
