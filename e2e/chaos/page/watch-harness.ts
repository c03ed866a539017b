/** A tab of a run with watches: a connector, listeners and badges, and a record of all displays. */
import { type Connector, connect, defineAvailabilityBadge, type WatchStatus } from "../../../host/index.ts";
import type { Observer, Sight, Tab } from "../watch/observations.ts";

/** Behaviours of the page's `fetchToken`. */
export type TokenMode = "gives" | "fails" | "hangs";

declare global {
  interface Window {
    readonly tab: typeof actions;
  }
}

/** Lifetime of a token in seconds, by the page's clock. */
const TOKEN_SECONDS = 60;

interface Watched {
  readonly observer: { -readonly [Key in keyof Observer]: Observer[Key] } & { readonly sights: Sight[] };
  readonly stop: () => void;
  readonly badge?: Element;
}

const watched = new Map<string, Watched>();
let connector: Connector | undefined;
let tabName: Tab = "first";
let tokenMode: TokenMode = "gives";
let tokenCount = 0;

const container = document.createElement("div");
const places = [document.createElement("div"), document.createElement("div")] as const;
document.body.append(...places);
places[0].append(container);

/** The machine's time. */
function now(): number {
  return globalThis.chaosTime?.now() ?? Number.NaN;
}

/** Creates a token of the agent 7, for both tabs. The gateway of a run reads the machine's time in the token. */
function createToken(): string {
  tokenCount += 1;
  const exp = Math.round(Date.now() / 1_000) + TOKEN_SECONDS;
  const claims = btoa(JSON.stringify({ sub: "7", exp, issuedAt: now(), number: tokenCount })).replaceAll("=", "");
  return `header.${claims}.${tabName}`;
}

const tokenAnswers: Readonly<Record<TokenMode, () => Promise<string>>> = {
  gives: async () => createToken(),
  fails: () => Promise.reject(new Error("The token endpoint of the chaos fails")),
  hangs: () => new Promise(() => {}),
};

function observe(kind: Observer["kind"], userId: number, count: number, stop: () => void, badge?: Element): Sight[] {
  const sights: Sight[] = [];
  const name = `${tabName} ${kind} ${count} of ${userId}`;
  const observer = { name, kind, tab: tabName, userId, startedAt: now(), endedAt: Number.MAX_SAFE_INTEGER, sights };
  watched.set(`${kind} ${count}`, { observer, stop, ...(badge && { badge }) });
  return sights;
}

const STALE_STATUSES: readonly WatchStatus["status"][] = ["stale", "error", "session-expired", "not-allowed"];

const actions = {
  open(tab: Tab, src: string): void {
    tabName = tab;
    connector = connect({ src, title: tab, container, fetchToken: () => tokenAnswers[tokenMode]() });
    defineAvailabilityBadge(connector);
  },

  watch(userId: number, count: number): void {
    const controller = new AbortController();
    const sights = observe("listener", userId, count, () => controller.abort());
    let version: number | undefined;
    let status: WatchStatus["status"] | undefined;
    const look = (): void => {
      const isStale = status !== undefined && STALE_STATUSES.includes(status);
      sights.push({ at: now(), shown: status ?? "", version, isStale, isCallable: false });
    };
    connector?.watch(
      userId,
      (availability) => {
        version = availability.version;
        look();
      },
      {
        signal: controller.signal,
        onStatus(next) {
          status = next.status;
          look();
        },
      },
    );
  },

  addBadge(userId: number, count: number): void {
    const badge = document.createElement("availability-badge");
    badge.setAttribute("user-id", `${userId}`);
    const sights = observe("badge", userId, count, () => badge.remove(), badge);
    const look = (): void => {
      const [state, reason, isStale, isCallable] = ["state", "reason", "stale", "callable"].map(
        (name) => badge.getAttribute(`data-${name}`) ?? "",
      );
      const shown = [state, reason].filter(Boolean).join(" ");
      sights.push({ at: now(), shown, isStale: isStale === "true", isCallable: isCallable === "true" });
    };
    // The callback runs after all attributes of a change are written.
    new MutationObserver(look).observe(badge, { attributes: true });
    document.body.append(badge);
  },

  /** Ends the watch of a listener, or removes a badge. */
  stop(kind: Observer["kind"], count: number): void {
    const found = watched.get(`${kind} ${count}`);
    if (!found) return;
    found.observer.endedAt = now();
    found.stop();
  },

  /** Moves a badge to the end of the page, like a table that sorts rows. */
  moveBadge(count: number): void {
    const badge = watched.get(`badge ${count}`)?.badge;
    if (badge?.isConnected) document.body.append(badge);
  },

  setTokenMode(mode: TokenMode): void {
    tokenMode = mode;
  },

  setFrameSrc(src: string): void {
    const frame = container.querySelector("iframe");
    if (frame) frame.src = src;
  },

  removeFrame(): void {
    container.querySelector("iframe")?.remove();
  },

  /** Removes the frame and inserts the frame again, in the current task or after a delay. */
  async takeFrameOut(milliseconds: number | undefined): Promise<void> {
    const frame = container.querySelector("iframe");
    if (!frame) return;
    frame.remove();
    if (milliseconds !== undefined) await wait(milliseconds);
    container.append(frame);
  },

  moveContainer(): void {
    (container.parentElement === places[0] ? places[1] : places[0]).append(container);
  },

  setContainerIn(isIn: boolean): void {
    if (isIn) places[0].append(container);
    else container.remove();
  },

  report: (): Observer[] => Array.from(watched.values(), ({ observer }) => observer),
};

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void globalThis.chaosTime?.setTimeout(resolve, milliseconds));
}

Object.assign(window, { tab: actions });
