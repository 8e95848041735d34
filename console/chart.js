// A chart over time, drawn as SVG: lines or stacked areas, with a scale, a time axis, and a legend that tells values.

import { make, say } from "./dom.js";
import { number } from "./words.js";

const MARGIN = { left: 50, right: 10, top: 10, bottom: 24 };

/** Least pixels between two marks of the time axis, and between two of the scale. */
const TIME_GAP = 84;
const SCALE_GAP = 42;

/** Seconds from one mark of the time axis to the next. */
const [HOUR, DAY] = [3_600, 86_400];
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 84 * DAY, 364 * DAY];

/** The numbers of a logarithmic scale begin here. */
const LOG_LEAST = 0.1;

export class Chart {
  /**
   * `series` are `{ name, colour, of }`, where `of` takes a value from a sample, or null; `unit` stands behind values;
   * `kind` is lines or stack; `isLog` for a logarithmic scale.
   */
  constructor(parent, { title, unit, series, kind = "lines", isLog = false }) {
    Object.assign(this, { title, unit, series, kind, isLog });
    this.legend = make("ul", { class: "legend" });
    this.svg = make("svg", { role: "img" });
    this.entries = series.map((one) => this.entry(one));
    const caption = make("figcaption", {}, make("h2", {}, title), make("span", { class: "soft" }, unit));
    parent.append(make("figure", { class: "card" }, caption, this.legend, this.svg));
    [this.width, this.height] = [0, 0];
    const fit = ([{ contentRect }]) => ([this.width, this.height] = [contentRect.width, contentRect.height]);
    new ResizeObserver(fit).observe(this.svg);
  }

  entry({ name, colour }) {
    const value = make("b", { class: "figure" }, "–");
    const item = make("li", {}, make("i", { class: "swatch " + colour }), make("span", {}, name), value);
    this.legend.append(item);
    return value;
  }

  /**
   * Draws the samples of a span of time; at `cursor`, if it is given, a line stands and the legend tells its values;
   * `selected` is a part of the span that stands out.
   */
  draw(samples, [from, to], cursor, selected = null) {
    if (this.width < MARGIN.left + MARGIN.right + 20) return;
    const shown = samples.filter((sample) => sample.at >= from);
    const bottom = this.height - MARGIN.bottom;
    const scale = this.isLog ? logScale(this.most(shown)) : linearScale(this.most(shown), bottom - MARGIN.top);
    const x = (at) => MARGIN.left + ((at - from) / (to - from)) * (this.width - MARGIN.left - MARGIN.right);
    const y = (value) => bottom - scale.share(value) * (bottom - MARGIN.top);
    const marks = this.kind === "stack" ? this.areas(shown, x, y) : this.lines(shown, x, y);
    const pointer = cursor === null ? [] : [make("line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: MARGIN.top, y2: bottom })];
    const part = selected === null ? [] : [make("rect", { class: "selected", x: x(selected[0]), width: x(selected[1]) - x(selected[0]), y: MARGIN.top, height: bottom - MARGIN.top })];
    this.svg.replaceChildren(...this.grid(scale, y), ...this.times(from, to, x), ...marks, ...part, ...pointer);
    this.tell(nearest(shown, cursor ?? to));
  }

  most(samples) {
    const values = (sample) => this.series.map(({ of }) => of(sample) ?? 0);
    const of = (sample) => (this.kind === "stack" ? values(sample).reduce((sum, value) => sum + value, 0) : Math.max(...values(sample)));
    return samples.reduce((most, sample) => Math.max(most, of(sample)), 0);
  }

  grid(scale, y) {
    return scale.marks.flatMap((value) => [
      make("line", { class: "grid", x1: MARGIN.left, x2: this.width - MARGIN.right, y1: y(value), y2: y(value) }),
      make("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, short(value)),
    ]);
  }

  times(from, to, x) {
    const room = Math.max(1, Math.floor((this.width - MARGIN.left - MARGIN.right) / TIME_GAP));
    const step = 1000 * (TIME_STEPS.find((step) => (to - from) / 1000 / step <= room) ?? TIME_STEPS.at(-1));
    const marks = [];
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      if (x(at) > this.width - 30 || x(at) < MARGIN.left + 4) continue;
      marks.push(make("line", { class: "tick", x1: x(at), x2: x(at), y1: this.height - MARGIN.bottom, y2: this.height - MARGIN.bottom + 4 }));
      marks.push(make("text", { x: x(at), y: this.height - 6, "text-anchor": "middle" }, timeName(at, step)));
    }
    return marks;
  }

  lines(samples, x, y) {
    return this.series.map(({ colour, of }) => {
      let pen = "M";
      const steps = samples.map((sample) => {
        const value = of(sample);
        if (value === null) {
          pen = "M";
          return "";
        }
        const step = `${pen}${x(sample.at).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = "L";
        return step;
      });
      return make("path", { class: "series " + colour, d: steps.join("") });
    });
  }

  areas(samples, x, y) {
    let floor = samples.map(() => 0);
    return this.series.map(({ colour, of }) => {
      const top = samples.map((sample, at) => floor[at] + (of(sample) ?? 0));
      const point = (value, at) => `${x(samples[at].at).toFixed(1)} ${y(value).toFixed(1)}`;
      const outline = [...top.map(point), ...floor.map(point).reverse()];
      floor = top;
      return make("path", { class: "area " + colour, d: outline.length > 2 ? `M${outline.join("L")}Z` : "" });
    });
  }

  /** Tells the values of a sample. */
  tell(sample) {
    const told = this.series.map(({ name, of }, at) => {
      const value = sample ? of(sample) : null;
      const text = value === null ? "–" : precise(value);
      say(this.entries[at], text);
      return `${name} ${text}`;
    });
    this.svg.setAttribute("aria-label", `${this.title}, ${this.unit}: ${told.join(", ")}`);
  }

  /** The time that stands under a pointer. */
  timeAt(clientX, [from, to]) {
    const { left } = this.svg.getBoundingClientRect();
    const share = (clientX - left - MARGIN.left) / (this.width - MARGIN.left - MARGIN.right);
    return from + Math.min(Math.max(share, 0), 1) * (to - from);
  }
}

/** A moment as a mark has it: with as much of it as differs from mark to mark. */
function timeName(at, step) {
  const date = new Date(at);
  if (step < 60_000 * 10) return date.toLocaleTimeString("en", { hourCycle: "h23" });
  const day = { day: "numeric", month: "short" };
  // Days, which begin as those of UTC do.
  if (step >= DAY * 1000) return date.toLocaleDateString("en-GB", { ...day, timeZone: "UTC" });
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return step >= HOUR * 1000 * 2 ? date.toLocaleString("en-GB", { ...day, ...clock }) : date.toLocaleTimeString("en-GB", clock);
}

function nearest(samples, at) {
  return samples.reduce((best, sample) => (best && Math.abs(best.at - at) <= Math.abs(sample.at - at) ? best : sample), null);
}

/** From 0 to a round number above the largest value, with as many marks as there is room for. */
function linearScale(most, pixels) {
  const steps = Math.max(Math.floor(pixels / SCALE_GAP), 1);
  const rough = Math.max(most, 1) / steps;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 2.5, 5, 10].find((times) => times * decade >= rough) * decade, 1);
  const count = Math.max(Math.ceil(most / step), 1);
  const marks = Array.from({ length: count + 1 }, (_, at) => at * step);
  return { marks, share: (value) => value / (count * step) };
}

function logScale(most) {
  const decades = Math.max(Math.ceil(Math.log10(Math.max(most, LOG_LEAST) / LOG_LEAST)), 3);
  const marks = Array.from({ length: decades + 1 }, (_, at) => LOG_LEAST * 10 ** at);
  return { marks, share: (value) => Math.log10(Math.max(value, LOG_LEAST) / LOG_LEAST) / decades };
}

/** A number as marks have it: 1,200 and 12k. */
function short(value) {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (value >= 10_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return number(Number(value.toPrecision(3)));
}

function precise(value) {
  return number(value >= 100 ? Math.round(value) : Number(value.toPrecision(2)));
}
