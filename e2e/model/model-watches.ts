/** Watches and badges of the page, checked against the second guarantee. */
import type { Connector, WatchStatus } from "../../host/connector.ts";
import type { FakeClock } from "./fake-clock.ts";
import { addBadge, type ModelBadge } from "./model-badges.ts";
import type { ModelGateway } from "./model-gateway.ts";
import type { ModelPage } from "./model-page.ts";
import { showsTruth } from "./model-panel.ts";

/** Time limit for a listener to have a change or to be stale, in milliseconds. */
const STALE_WITHIN_MS = 45_000;

/** Latency of the model's messages and calls, added to each time limit, in milliseconds. */
export const TOLERANCE_MS = 250;

/** Users of the model: the commands name no others. */
const USER_IDS = [1, 2, 3];

/** Latest version and status received by a listener for a user. */
interface Claim {
  readonly userId: number;
  readonly startedAt: number;
  status: WatchStatus["status"] | undefined;
  version: number;
}

interface Watch {
  readonly claims: readonly Claim[];
  readonly end: () => void;
}

/** History of a run. A status needs a cause in the history. */
export interface RunHistory {
  hadFault: boolean;
  /** True if `fetchToken` has failed or the gateway has rejected its tokens. */
  hadTokenFault: boolean;
  isDestroyed: boolean;
  /** Time at which the page became visible, on the monotonic clock. */
  visibleSince: number;
  /**
   * Time of the last crash or hang of the widget, or of its reload from a silent address. The connector cannot know how long the gateway has been silent before:
   * the time limit starts again.
   */
  widgetLostAt: number;
}

export interface ModelWatchesOptions {
  readonly clock: FakeClock;
  readonly connector: Connector;
  readonly gateway: ModelGateway;
  readonly page: ModelPage;
  readonly history: RunHistory;
  readonly violate: (message: string) => void;
}

/** Creates a page without watches and badges. */
export function createModelWatches({ clock, connector, gateway, page, history, violate }: ModelWatchesOptions) {
  const watches: Watch[] = [];
  const badges: ModelBadge[] = [];
  let hasService = false;

  /** True if the page has a watch, a badge or a service: a widget with one of them is watched by the connector's heartbeat. */
  function isActive(): boolean {
    return watches.length + badges.length > 0 || hasService;
  }

  function watch(userIds: readonly number[]): void {
    const claims = new Map<number, Claim>();
    for (const userId of userIds)
      claims.set(userId, { userId, startedAt: clock.now(), status: undefined, version: -1 });
    let hasEnded = false;
    /** Returns the listener's claim about a user. A call after the end of the watch is a violation. */
    function findClaim(userId: number): Claim | undefined {
      if (hasEnded || history.isDestroyed) violate(`user ${userId}: a listener was called after its end`);
      if (!claims.has(userId)) violate(`user ${userId}: the listener does not watch the user`);
      return claims.get(userId);
    }
    const unwatch = connector.watch(
      userIds,
      ({ userId, version, status }) => {
        const claim = findClaim(userId);
        if (!claim) return;
        if (version <= claim.version) violate(`user ${userId}: version ${version} came after ${claim.version}`);
        if (!gateway.hadVersion(userId, version, status)) violate(`user ${userId}: never was ${status} at ${version}`);
        claim.version = version;
      },
      {
        onStatus(status) {
          const claim = findClaim(status.userId);
          if (claim) claim.status = status.status;
          verifyStatus(status);
        },
      },
    );
    watches.push({
      claims: [...claims.values()],
      end() {
        hasEnded = true;
        unwatch();
      },
    });
  }

  /** Checks a status for its cause. */
  function verifyStatus({ userId, status, error, since }: WatchStatus): void {
    if (status === "stale" && since === undefined) violate(`user ${userId}: stale since an unknown time`);
    if (status === "error" && !error) violate(`user ${userId}: an error without an error`);
    if (status === "error" && !history.hadFault && connector.state !== "closed")
      violate(`user ${userId}: ${error?.message} without a fault`);
    if (status === "not-allowed") violate(`user ${userId}: nobody has forbidden it`);
    if (status === "session-expired" && !history.hadTokenFault) violate(`user ${userId}: no session has expired`);
  }

  function describe({ userId, status, version }: Claim): string {
    const { current, changedAt } = gateway.agent(userId);
    const truth = current ? `${current.status} at ${current.version}` : "absent";
    return `user ${userId}: ${status} at ${version}, and the gateway has it ${truth} since ${changedAt} ms`;
  }

  /** True if a claim agrees with the gateway. A missing status is a false claim. */
  function isTrue({ userId, status, version }: Claim): boolean {
    const { current } = gateway.agent(userId);
    if (status === "live") return current?.version === version;
    // An absent agent keeps the status during a fault, and `liveState` is `stale`.
    if (status === "removed" || status === "unknown-user") return !current || connector.liveState === "stale";
    return status !== undefined;
  }

  /** True if a listener has the agent's present availability or absence. */
  function isRight(claim: Claim): boolean {
    const isPresent = gateway.agent(claim.userId).current !== undefined;
    const isKnown = isPresent ? claim.status === "live" : claim.status === "removed" || claim.status === "unknown-user";
    return isKnown && isTrue(claim);
  }

  function verifyBadges(): void {
    for (const badge of badges) {
      if (!badge.isCallable()) continue;
      if (badge.isStale() || connector.liveState === "stale") violate(`badge ${badge.userId}: callable while stale`);
      if (history.isDestroyed) violate(`badge ${badge.userId}: callable after destroy()`);
    }
  }

  /** Checks that no panel shows an outdated team as the present one for longer than the time limit. */
  function verifyPanels(at: number): void {
    for (const panel of page.panels()) {
      const connectedAt = panel.connectedAt() ?? at;
      const overdue = USER_IDS.filter((userId) => {
        const { changedAt } = gateway.agent(userId);
        const startedAt = Math.max(history.visibleSince, history.widgetLostAt, connectedAt, changedAt);
        return at > startedAt + STALE_WITHIN_MS + TOLERANCE_MS;
      });
      // Reading the panel takes longer than the rest of the step.
      if (overdue.length === 0 || !panel.saysCurrent()) continue;
      if (!overdue.every((userId) => showsTruth(panel, userId, gateway.agent(userId))))
        violate(`${panel.describe()}, and the gateway has another team`);
    }
  }

  return {
    watch,
    unwatch(place: number): void {
      for (const { end } of watches.splice(place % (watches.length || 1), 1)) end();
    },
    addBadge: (userId: number) => badges.push(addBadge(userId)),
    removeBadge(place: number): void {
      for (const { remove } of badges.splice(place % (badges.length || 1), 1)) remove();
    },
    /** Changes the widget's list by a request of the page's own, which the listeners must not notice. */
    changeDirectly(added: readonly number[], removed: readonly number[]): void {
      void connector.dispatch({
        type: "API.CHANGE_WATCHED_USERS",
        payload: { variables: { added: [...added], removed: [...removed] } },
      });
    },
    switchService(type: "BUS.INIT" | "BUS.DESTROY"): void {
      const payload: { services: "USER"[] } = { services: ["USER"] };
      const settling =
        type === "BUS.INIT" ? connector.request("BUS.INIT", payload) : connector.request("BUS.DESTROY", payload);
      settling.then(
        () => {
          hasService = type === "BUS.INIT";
        },
        () => {},
      );
    },
    isActive,
    isSessionExpired: () =>
      watches.some(({ claims }) => claims.some(({ status }) => status === "session-expired")) ||
      page.panels().some((panel) => panel.isSignedOut()),
    /** Checks claims and badges until just before `at`. */
    verify(at: number): void {
      verifyBadges();
      if (history.isDestroyed || page.isHidden()) return;
      for (const claim of watches.flatMap(({ claims }) => claims)) {
        const { changedAt } = gateway.agent(claim.userId);
        const startedAt = Math.max(history.visibleSince, history.widgetLostAt, claim.startedAt, changedAt);
        if (at > startedAt + STALE_WITHIN_MS + TOLERANCE_MS && !isTrue(claim)) violate(describe(claim));
      }
      verifyPanels(at);
    },
    /** Checks claims, badges and `liveState` after the last fault. */
    verifyRight(): void {
      for (const claim of watches.flatMap(({ claims }) => claims)) {
        if (!isRight(claim)) violate(`after the last fault, ${describe(claim)}`);
      }
      for (const badge of badges) {
        const { current } = gateway.agent(badge.userId);
        if (badge.isCallable() !== (current?.status === "available") || badge.isStale())
          violate(`badge ${badge.userId}: ${badge.state()}, and the agent is ${current?.status ?? "absent"}`);
      }
      for (const panel of page.panels()) {
        if (panel.connectedAt() === undefined) continue;
        const isRightPanel =
          panel.saysCurrent() && USER_IDS.every((userId) => showsTruth(panel, userId, gateway.agent(userId)));
        if (!isRightPanel) violate(`after the last fault, ${panel.describe()}`);
      }
      if (isActive() && connector.liveState !== "live")
        violate(`liveState is ${connector.liveState} after the last fault`);
    },
    close(): void {
      for (const { remove } of badges) remove();
    },
  };
}
