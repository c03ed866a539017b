import { Counter, type Registry } from "prom-client";

/** What is counted of one request. Each value is one of few: patterns, known methods, configured customers. */
export interface RequestMeasure {
  /** The route's pattern without its customer: `/v1/users/:userId/availability`. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly customer: string;
  /** Until the answer began, in milliseconds: a stream's answer begins at once and lasts. */
  readonly durationMs: number;
}

/** Requests that were answered: how many, and how long each took until its answer began. */
export interface RequestCounts {
  count(measure: RequestMeasure): void;
  /** The durations in Prometheus's text format. */
  durationsText(): string;
}

/** What is counted of one method of one route. */
interface Counts {
  readonly labels: { readonly route: string; readonly method: string };
  /** How many durations fell into each bucket, and at the end those that are longer than any. */
  readonly buckets: number[];
  sumSeconds: number;
  /** How many answers each customer had, by the first digit of their status. */
  readonly answers: Map<string, number[]>;
}

const DURATIONS = "gateway_request_duration_seconds";

/**
 * Counts in plain numbers, which are made into metrics when somebody collects them: a label that is checked, sorted and
 * hashed for each request takes longer than to read what was asked for. A histogram of the library can be given no number
 * that was counted elsewhere, so that this one writes itself.
 */
export function createRequestCounts(registry: Registry, boundsSeconds: readonly number[]): RequestCounts {
  const routes = new Map<string, Map<string, Counts>>();

  function* all(): Iterable<Counts> {
    for (const methods of routes.values()) yield* methods.values();
  }

  function open(route: string, method: string): Counts {
    const counts = {
      labels: { route, method },
      buckets: Array<number>(boundsSeconds.length + 1).fill(0),
      sumSeconds: 0,
      answers: new Map(),
    };
    const methods = routes.get(route) ?? new Map<string, Counts>();
    routes.set(route, methods.set(method, counts));
    return counts;
  }

  function toBucket(seconds: number): number {
    let bucket = 0;
    while (seconds > (boundsSeconds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    return bucket;
  }

  new Counter({
    name: "gateway_requests_total",
    help: "Requests that were answered.",
    labelNames: ["route", "method", "status", "customer"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, answers } of all()) {
        for (const [customer, byDigit] of answers) {
          for (const [digit, count] of byDigit.entries()) {
            if (count > 0) this.inc({ ...labels, customer, status: `${digit}xx` }, count);
          }
        }
      }
    },
  });

  return {
    count({ route, method, status, customer, durationMs }) {
      const counts = routes.get(route)?.get(method) ?? open(route, method);
      const seconds = durationMs / 1000;
      const bucket = toBucket(seconds);
      counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
      counts.sumSeconds += seconds;
      const digit = Math.floor(status / 100);
      const answers = counts.answers.get(customer);
      if (answers) answers[digit] = (answers[digit] ?? 0) + 1;
      else counts.answers.set(customer, countOne(digit));
    },
    durationsText: () =>
      [
        `# HELP ${DURATIONS} Time until an answer began.`,
        `# TYPE ${DURATIONS} histogram`,
        ...Array.from(all(), (counts) => toHistogramText(counts, boundsSeconds)),
        "",
      ].join("\n"),
  };
}

/** A status has a first digit from 1 to 5. */
function countOne(digit: number): number[] {
  const byDigit = Array<number>(6).fill(0);
  byDigit[digit] = 1;
  return byDigit;
}

/** No label needs escaping: a route is a pattern of ours, and a method one of those that are known. */
function toHistogramText({ labels, buckets, sumSeconds }: Counts, boundsSeconds: readonly number[]): string {
  const own = `route="${labels.route}",method="${labels.method}"`;
  let count = 0;
  const lines = buckets.map((inBucket, index) => {
    count += inBucket;
    return `${DURATIONS}_bucket{le="${boundsSeconds[index] ?? "+Inf"}",${own}} ${count}`;
  });
  return [...lines, `${DURATIONS}_sum{${own}} ${sumSeconds}`, `${DURATIONS}_count{${own}} ${count}`].join("\n");
}
