/** Reads the memory and object counts of a browser process after garbage collection. */
import { setTimeout as delay } from "node:timers/promises";
import type { BrowserContext, Frame, Page } from "playwright";

/** Counted objects, by the names of Chromium's metrics. */
export const METRICS = ["JSHeapUsedSize", "Nodes", "JSEventListeners", "Frames", "Documents"] as const;
export type Metric = (typeof METRICS)[number];

export type Reading = Readonly<Record<Metric, number>>;

export interface Gauge {
  /** Collects garbage and reads the counts. */
  read(): Promise<Reading>;
}

/**
 * Collections before a reading: frames and their windows are freed in several steps, each after the collection before.
 */
const COLLECTIONS = 4;

/** Pause between two collections, for a frame's process to report its end, in milliseconds. */
const PAUSE_MS = 50;

/** Opens a gauge on the process of a page, or of an iframe with its own process. */
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
