/** Reads what a process of the browser holds after garbage collection. */
import { setTimeout as delay } from "node:timers/promises";
import type { BrowserContext, Frame, Page } from "playwright";

/** What is counted, by the names of Chromium's metrics. */
export const METRICS = ["JSHeapUsedSize", "Nodes", "JSEventListeners", "Frames", "Documents"] as const;
export type Metric = (typeof METRICS)[number];

export type Reading = Readonly<Record<Metric, number>>;

export interface Gauge {
  /** Collects garbage and reads. */
  read(): Promise<Reading>;
}

/** One collection frees what the next can then find to be garbage: frames and their windows go in several steps. */
const COLLECTIONS = 4;

/** Between two collections a frame's process has time to say that it is gone, in milliseconds. */
const PAUSE_MS = 50;

/** Opens a gauge on the process of a page, or of a frame that has one of its own. */
export async function openGauge(context: BrowserContext, place: Page | Frame): Promise<Gauge> {
  const session = await context.newCDPSession(place);
  await session.send("Performance.enable");
  return {
    async read() {
      for (let collection = 0; collection < COLLECTIONS; collection += 1) {
        await session.send("HeapProfiler.collectGarbage");
        await delay(PAUSE_MS);
      }
      const { metrics } = await session.send("Performance.getMetrics");
      const value = (metric: Metric): number => metrics.find(({ name }) => name === metric)?.value ?? Number.NaN;
      return {
        JSHeapUsedSize: value("JSHeapUsedSize"),
        Nodes: value("Nodes"),
        JSEventListeners: value("JSEventListeners"),
        Frames: value("Frames"),
        Documents: value("Documents"),
      };
    },
  };
}
