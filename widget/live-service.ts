/** What the page wants to be told of as it happens. The part of the widget that does so is loaded when it is first wanted. */
import type { Availabilities } from "../shared/contracts/availability.ts";
import type { Service } from "../shared/contracts/bus.ts";
import type { CallScope, GatewayClient } from "./gateway-client.ts";
import type { Live, Wanted } from "./live/live.ts";

/** The announcements that a page has asked for. */
export interface LiveService {
  /** Starts the announcements of services. */
  init(services: readonly Service[]): void;
  /** Ends the announcements of services. */
  destroy(services: readonly Service[]): void;
  /**
   * Announces the changes of these users from now on, in place of those that were named before.
   *
   * @returns their availabilities. @throws as `GatewayClient.fetchAvailabilities` does.
   */
  watch(userIds: readonly number[], scope: CallScope): Promise<Availabilities>;
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
  let loading: Promise<Live | undefined> | undefined;

  function wanted(): Wanted {
    return { everyone, userIds };
  }

  async function loadLive(): Promise<Live | undefined> {
    try {
      live = await load();
      gateway.goBy(live.known);
      live.follow(wanted());
    } catch (error) {
      onDefect(error);
      loading = undefined;
    }
    return live;
  }

  /** Has what is wanted followed, as soon as there is who does so. */
  function follow(): void {
    if (live) live.follow(wanted());
    else if (everyone || userIds.size > 0) loading ??= loadLive();
  }

  async function readWatched(ids: readonly number[], scope: CallScope): Promise<Availabilities> {
    const unknown = live ? live.missing(userIds) : [...userIds];
    // The users are asked for while the live part is being loaded.
    const read = unknown.length > 0 ? await gateway.fetchAvailabilities(unknown, scope) : {};
    const readAt = performance.now();
    return (live ?? (await loading))?.tell(ids, read, performance.now() - readAt) ?? read;
  }

  return {
    init(services) {
      everyone ||= services.includes("USER");
      follow();
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
        live?.release(ids);
        throw error;
      }
    },
    renew: () => void live?.renew(),
    leave() {
      everyone = false;
      userIds = new Set();
      follow();
    },
  };
}
