/**
 * Counts timers, listeners and mutation observers that were set and not removed. The harness's own timers are not
 * counted.
 */

const { setTimeout: nativeSetTimeout, clearTimeout: nativeClearTimeout } = globalThis;
const { addEventListener, removeEventListener } = EventTarget.prototype;

interface Listening {
  readonly target: EventTarget;
  readonly type: string;
  readonly listener: unknown;
}

const timers = new Set<unknown>();
const observers = new Set<MutationObserver>();
const listenings: Listening[] = [];

/** The browser's own timer, which is not counted. */
export function setOwnTimeout(ring: () => void, milliseconds: number): void {
  nativeSetTimeout(ring, milliseconds);
}

globalThis.setTimeout = ((ring: (...given: unknown[]) => void, milliseconds?: number, ...given: unknown[]) => {
  const timer = nativeSetTimeout(() => {
    timers.delete(timer);
    ring(...given);
  }, milliseconds);
  timers.add(timer);
  return timer;
}) as typeof setTimeout;

globalThis.clearTimeout = (timer) => {
  timers.delete(timer);
  nativeClearTimeout(timer);
};

globalThis.setInterval = (() => {
  throw new Error("The connector repeats nothing, and this page counts no intervals");
}) as typeof setInterval;

EventTarget.prototype.addEventListener = function (type, listener, options) {
  const target = this ?? globalThis;
  const isKnown = listenings.some((known) => isSame(known, target, type, listener));
  const { signal } = typeof options === "object" ? options : {};
  if (listener && !isKnown && !signal?.aborted) listenings.push({ target, type, listener });
  addEventListener.call(target, type, listener, options);
  if (signal) addEventListener.call(signal, "abort", () => forget(target, type, listener));
};

EventTarget.prototype.removeEventListener = function (type, listener, options) {
  const target = this ?? globalThis;
  forget(target, type, listener);
  removeEventListener.call(target, type, listener, options);
};

function forget(target: EventTarget, type: string, listener: unknown): void {
  const at = listenings.findIndex((known) => isSame(known, target, type, listener));
  if (at >= 0) listenings.splice(at, 1);
}

function isSame(known: Listening, target: EventTarget, type: string, listener: unknown): boolean {
  return known.target === target && known.type === type && known.listener === listener;
}

globalThis.MutationObserver = class extends MutationObserver {
  override observe(target: Node, options?: MutationObserverInit): void {
    observers.add(this);
    super.observe(target, options);
  }

  override disconnect(): void {
    observers.delete(this);
    super.disconnect();
  }
};

/** Reports the present counts. */
export function countSet(): { timers: number; observers: number; listeners: string[] } {
  const listeners = listenings.map(({ target, type }) => `${target.constructor.name} ${type}`);
  return { timers: timers.size, observers: observers.size, listeners };
}
