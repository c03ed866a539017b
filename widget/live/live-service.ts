/** What the page wants to be told of as it happens. The part of the widget that does so is loaded when it is first wanted. */
import type { Availabilities } from "../../shared/contracts/availability.ts";
import type { Service } from "../../shared/contracts/bus.ts";
import { Refusal } from "../../shared/protocol/rejection.ts";
import type { CallScope, GatewayClient } from "../gateway/gateway-client.ts";
import type { Live, Wanted } from "./live.ts";

/** The announcements that a page has asked for. */
export interface LiveService {
  /**
   * Starts the announcements of services.
   *
   * @throws {Refusal} `BACKEND_UNREACHABLE` where the live part cannot be loaded.
   */
  init(services: readonly Service[]): Promise<void>;
  /** Ends the announcements of services. */
  destroy(services: readonly Service[]): void;
  /**
   * Announces the changes of these users from now on, in place of those that were named before.
   *
   * @returns their availabilities. @throws as `init` and `GatewayClient.fetchAvailabilities` do.
   */
  watch(userIds: readonly number[], scope: CallScope): Promise<Availabilities>;
  /** The backend takes no token of the page's any more. */
  end(): void;
  /** The page has given another token. */
  renew(): void;
  /** The page has gone, and nobody wants anything. */
  leave(): void;
}

export interface LiveServiceOptions {
  readonly gateway: GatewayClient;
  /** Loads the part of the widget that follows users. */
  readonly load: () => Promise<Live>;
  /** Hears that it could not be loaded. */
  readonly onDefect: (error: unknown) => void;
}

/** Creates a service for a page that wants nothing yet. */
export function createLiveService({ gateway, load, onDefect }: LiveServiceOptions): LiveService {
  let everyone = false;
  let userIds: ReadonlySet<number> = new Set();
  let live: Live | undefined;
  let loading: Promise<Live> | undefined;

  function wanted(): Wanted {
    return { everyone, userIds };
  }

  async function loadLive(): Promise<Live> {
    try {
      const loaded = await load();
      live = loaded;
      gateway.goBy(loaded.known);
      loaded.follow(wanted());
      return loaded;
    } catch (error) {
      onDefect(error);
      loading = undefined;
      throw new Refusal("BACKEND_UNREACHABLE", "The widget's live part could not be loaded");
    }
  }

  /** Has what is wanted followed, as soon as there is who does so. */
  function follow(): void {
    if (live) live.follow(wanted());
    else if (everyone || userIds.size > 0) {
      loading ??= loadLive();
      // Whoever wants something waits for it, and is told.
      loading.catch(() => {});
    }
  }

  async function readWatched(ids: readonly number[], scope: CallScope): Promise<Availabilities> {
    const unknown = live ? live.missing(userIds) : [...userIds];
    // The users are asked for while the live part is being loaded.
    const read = unknown.length > 0 ? await gateway.fetchAvailabilities(unknown, scope) : {};
    const readAt = performance.now();
    const following = live ?? (await loading);
    // A page that has not waited has been told nothing.
    scope.signal.throwIfAborted();
    return following?.tell(ids, read, performance.now() - readAt) ?? read;
  }

  return {
    async init(services) {
      everyone ||= services.includes("USER");
      follow();
      await loading;
    },
    destroy(services) {
      if (services.includes("USER")) everyone = false;
      follow();
    },
    async watch(ids, scope) {
      userIds = new Set(ids);
      follow();
      try {
        return await readWatched(ids, scope);
      } catch (error) {
        // What was wanted is followed all the same, and told as announcements, also by a live part that is yet to come.
        loading?.then(({ release }) => release(ids, error)).catch(() => {});
        throw error;
      }
    },
    end: () => live?.end(),
    renew: () => void live?.renew(),
    leave() {
      everyone = false;
      userIds = new Set();
      follow();
    },
  };
}
