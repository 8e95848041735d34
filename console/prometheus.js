// The text of /metrics, read; and quantiles of its histograms.

/** Families by name: of each sample its labels and its value. */
export function parse(text) {
  const families = new Map();
  for (const line of text.split("\n")) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    const [, name, labels = "", value] = found;
    if (!families.has(name)) families.set(name, []);
    families.get(name).push({ labels: labelsOf(labels), value: Number(value) });
  }
  return families;
}

function labelsOf(text) {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(Array.from(pairs, ([, name, value]) => [name, value]));
}

/** The value of a family that has one sample; 0 if there is none. */
export function single(families, name) {
  return families.get(name)?.[0]?.value ?? 0;
}

/** The sum by the value of a label, of samples that are wanted. */
export function sums(families, name, label, isWanted = () => true) {
  const sums = {};
  for (const { labels, value } of families.get(name) ?? []) {
    if (isWanted(labels)) sums[labels[label]] = (sums[labels[label]] ?? 0) + value;
  }
  return sums;
}

/** A histogram of one request: pairs of an upper bound and how many were within it, in rising order. */
export function histogram(families, name, request) {
  const samples = (families.get(name + "_bucket") ?? []).filter(({ labels }) => labels.request === request);
  return samples.map(({ labels, value }) => [labels.le === "+Inf" ? Infinity : Number(labels.le), value]);
}

/** What share of what was counted between two looks took no longer than this, straight within a bucket; or null. */
export function quantile(before, now, share) {
  const counted = new Map(before);
  const grown = now.map(([bound, count]) => [bound, count - (counted.get(bound) ?? 0)]);
  const total = grown.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  let [below, least] = [0, 0];
  for (const [bound, count] of grown) {
    if (count >= share * total) {
      if (bound === Infinity) return least;
      return least + ((bound - least) * (share * total - below)) / Math.max(count - below, 1);
    }
    [below, least] = [count, bound];
  }
  return least;
}
