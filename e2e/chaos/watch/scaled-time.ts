/**
 * Time of the runs with watches. In every document and shared worker of a run the clocks and timers go `SCALE` times as
 * fast as the machine's, and the gateway sends heartbeats `SCALE` times as often: the 45 s and the 10 s of the
 * guarantee are a few seconds of the machine. Network, rendering and scripts are as slow as ever: `SLACK_MS` allows
 * for the difference. All times in reports are the machine's, in milliseconds since 1970.
 */

/** Number of seconds of the product in a second of the machine. */
export const SCALE = 8;

/** Time for a slow machine beyond a limit of the guarantee, in milliseconds of the machine. */
export const SLACK_MS = 2_000;

/** Converts seconds of the product into milliseconds of the machine. */
export const scaled = (seconds: number): number => (seconds * 1_000) / SCALE;

/** Limit of the guarantee between a change and its display, or the status `stale`, in milliseconds of the machine. */
export const STALE_AFTER_MS = scaled(45);

/** Limit of the guarantee between the end of a fault and a right display, in milliseconds of the machine. */
export const RIGHT_AFTER_MS = scaled(10);

/** Circumstances of a document, set from outside. */
export interface Environment {
  readonly scale: number;
  /** Time at which scaled and real wall clocks agree, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Advance of the wall clock, in milliseconds of the product. */
  readonly jumpMs: number;
  readonly isHidden: boolean;
}

declare global {
  /** Present in each document of a run with watches. */
  var chaosTime: { now(): number; setTimeout: typeof setTimeout; set(changes: Partial<Environment>): void } | undefined;
}

/**
 * Replaces the clocks and timers of a document or a worker, before the document's own scripts run. A second call changes
 * the environment. The browser gets the function as text, without the rest of the module.
 */
export function installScaledTime(environment: Environment): void {
  if (globalThis.chaosTime) {
    globalThis.chaosTime.set(environment);
    return;
  }
  let current = environment;
  const { scale } = environment;
  const NativeDate = Date;
  const nativeSetTimeout = globalThis.setTimeout.bind(globalThis);
  const nativeSetInterval = globalThis.setInterval.bind(globalThis);
  const nativeTimeout = AbortSignal.timeout.bind(AbortSignal);
  const nativeMonotonic = performance.now.bind(performance);
  const { timeOrigin } = performance;
  const realNow = (): number => timeOrigin + nativeMonotonic();
  const wallNow = (): number =>
    Math.round(current.startedAt + (realNow() - current.startedAt) * scale + current.jumpMs);
  globalThis.Date = new Proxy(NativeDate, {
    construct: (target, values) => Reflect.construct(target, values.length === 0 ? [wallNow()] : values),
    get: (target, key) => (key === "now" ? wallNow : Reflect.get(target, key)),
  });
  performance.now = () => nativeMonotonic() * scale;
  const faster =
    (native: (callback: never, milliseconds: number, ...values: never[]) => unknown) =>
    (callback: never, milliseconds = 0, ...values: never[]): unknown =>
      native(callback, milliseconds / scale, ...values);
  globalThis.setTimeout = faster(nativeSetTimeout as never) as typeof setTimeout;
  globalThis.setInterval = faster(nativeSetInterval as never) as typeof setInterval;
  AbortSignal.timeout = (milliseconds) => nativeTimeout(Math.ceil(milliseconds / scale));
  // Nothing but a channel reaches a shared worker from outside. Its clock is that of the machine, as the clocks of documents.
  const channel = new BroadcastChannel("chaos-time");
  if (typeof document === "undefined") {
    channel.onmessage = ({ data }: MessageEvent<number>) => {
      current = { ...current, jumpMs: data };
    };
  } else {
    Object.defineProperty(document, "hidden", { get: () => current.isHidden });
    Object.defineProperty(document, "visibilityState", { get: () => (current.isHidden ? "hidden" : "visible") });
  }
  globalThis.chaosTime = {
    now: realNow,
    setTimeout: nativeSetTimeout,
    set(changes) {
      const wasHidden = current.isHidden;
      current = { ...current, ...changes };
      channel.postMessage(current.jumpMs);
      if (typeof document === "undefined" || current.isHidden === wasHidden) return;
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    },
  };
}
