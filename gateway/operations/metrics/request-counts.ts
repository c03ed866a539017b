import { Counter, type Registry } from "prom-client";

/** Labels and duration of one request. The labels have few values: patterns, known methods, configured customers. */
export interface RequestMeasure {
  /** The route's pattern without its customer: `/v1/users/:userId/availability`. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly customer: string;
  /** Time until the start of the response, in milliseconds. A stream starts at once and stays open. */
  readonly durationMs: number;
}

/** Counts of requests, and of their durations until the start of the response. */
export interface RequestCounts {
  count(measure: RequestMeasure): void;
  /** Formats the durations in Prometheus's text format. */
  durationsText(): string;
}

/** Counts of a method of a route. */
interface Counts {
  readonly labels: { readonly route: string; readonly method: string };
  /** Counts by bucket; the last bucket has no upper bound. */
  readonly buckets: number[];
  sumSeconds: number;
  /** Counts of responses by customer, then by the first digit of the status. */
  readonly responses: Map<string, number[]>;
}

const DURATIONS = "gateway_request_duration_seconds";

/**
 * Creates counts in plain numbers, which are converted to metrics at each scrape: checking, sorting and hashing labels
 * for each request takes longer than the read. The library's histogram accepts no external counts, so the text of the
 * histogram is written here.
 */
export function createRequestCounts(registry: Registry, boundsSeconds: readonly number[]): RequestCounts {
  const routes = new Map<string, Map<string, Counts>>();

  function* allCounts(): Iterable<Counts> {
    for (const methods of routes.values()) yield* methods.values();
  }

  function createCounts(route: string, method: string): Counts {
    const counts = {
      labels: { route, method },
      buckets: Array<number>(boundsSeconds.length + 1).fill(0),
      sumSeconds: 0,
      responses: new Map(),
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
    help: "Requests with a response.",
    labelNames: ["route", "method", "status", "customer"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, responses } of allCounts()) {
        for (const [customer, byDigit] of responses) {
          for (const [digit, count] of byDigit.entries()) {
            if (count > 0) this.inc({ ...labels, customer, status: `${digit}xx` }, count);
          }
        }
      }
    },
  });

  return {
    count({ route, method, status, customer, durationMs }) {
      const counts = routes.get(route)?.get(method) ?? createCounts(route, method);
      const seconds = durationMs / 1000;
      const bucket = toBucket(seconds);
      counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
      counts.sumSeconds += seconds;
      const digit = Math.floor(status / 100);
      const answers = counts.responses.get(customer);
      if (answers) answers[digit] = (answers[digit] ?? 0) + 1;
      else counts.responses.set(customer, countOne(digit));
    },
    durationsText: () =>
      [
        `# HELP ${DURATIONS} Time until the start of a response.`,
        `# TYPE ${DURATIONS} histogram`,
        ...Array.from(allCounts(), (counts) => toHistogramText(counts, boundsSeconds)),
        "",
      ].join("\n"),
  };
}

/** Creates counts by first digit, 1 to 5. */
function countOne(digit: number): number[] {
  const byDigit = Array<number>(6).fill(0);
  byDigit[digit] = 1;
  return byDigit;
}

/** Formats a histogram. Labels need no escaping: routes are the gateway's patterns, and methods are known methods. */
function toHistogramText({ labels, buckets, sumSeconds }: Counts, boundsSeconds: readonly number[]): string {
  const own = `route="${labels.route}",method="${labels.method}"`;
  let count = 0;
  const lines = buckets.map((inBucket, index) => {
    count += inBucket;
    return `${DURATIONS}_bucket{le="${boundsSeconds[index] ?? "+Inf"}",${own}} ${count}`;
  });
  return [...lines, `${DURATIONS}_sum{${own}} ${sumSeconds}`, `${DURATIONS}_count{${own}} ${count}`].join("\n");
}
