import { createHash, randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Announcement, ListSummary, LiveGateways, PollPart, SharedPolls } from "../live-gateways.ts";
import { Digits } from "./agent-record.ts";
import { toBlock } from "./list-state.ts";
import type { RedisClock } from "./redis-clock.ts";
import type { RedisSession } from "./redis-session.ts";

type Session = Pick<RedisSession, "connection" | "write">;

/** A live gateway: its id, and the fingerprint of its customers. */
interface Member {
  readonly id: string;
  readonly fingerprint: string;
}

const Reply = v.tuple([Digits, v.array(v.string()), v.number(), v.string(), v.array(v.string())]);
const Polled = v.tuple([v.array(v.string())]);

/** Time for which Redis keeps the customers of live gateways, as a multiple of the time for which a gateway is live. */
const POLLED_FACTOR = 10;

/** Summary of a list: start of the oldest page, number of pages, of failures and of moves, a block if any, and the reason. */
const SUMMARY = /^(\d*) (\d*) (\d+) (\d+) (?:@(\d+,\d+) )?(.*)$/s;

/** Number of customers per script. */
const CUSTOMERS_AT_ONCE = 1_000;

/**
 * Creates the live gateways in Redis. Gateways may have different customers, for example while a new customer is
 * added to the gateways in turn: a gateway names the fingerprint of its customers, and the customers of each
 * fingerprint are in Redis once.
 */
export function createRedisGateways(openSession: () => Promise<Session>): LiveGateways {
  const id = randomBytes(8).toString("hex");
  const polledByFingerprint = new Map<string, ReadonlySet<string>>();
  let announced: string | undefined;
  /** Lists of the last announcement. */
  let latest: ReadonlyMap<string, ListSummary> = new Map();
  /** Kept, because every announcement has the same customers. */
  let own: { readonly customerIds: readonly string[]; readonly fingerprint: string } | undefined;

  /** Returns the fingerprint of the gateway's customers. */
  function updateOwn(customerIds: readonly string[]): string {
    if (own?.customerIds !== customerIds) own = { customerIds, fingerprint: toFingerprint(customerIds) };
    if (!polledByFingerprint.has(own.fingerprint)) polledByFingerprint.set(own.fingerprint, new Set(customerIds));
    return own.fingerprint;
  }

  /** Replaces the announcement of other customers. */
  async function announceMember(member: string, session: Session): Promise<void> {
    if (announced !== undefined && announced !== member)
      await session.write("withdraw", [session.connection.keys.gateways], [announced]);
    announced = member;
  }

  /** Loads the customers of fingerprints that are unknown here. */
  async function loadPolled(members: readonly Member[], session: Session): Promise<void> {
    for (const fingerprint of new Set(members.map((each) => each.fingerprint))) {
      if (polledByFingerprint.has(fingerprint)) continue;
      const { connection } = session;
      const reply = await connection.run("polledCustomers", [connection.keys.polled(fingerprint)], []);
      const [customerIds] = v.parse(Polled, reply);
      // The gateway is about to write its customers.
      if (customerIds.length > 0) polledByFingerprint.set(fingerprint, new Set(customerIds));
    }
    const present = new Set(members.map((each) => each.fingerprint));
    for (const fingerprint of polledByFingerprint.keys()) {
      if (!present.has(fingerprint)) polledByFingerprint.delete(fingerprint);
    }
  }

  return {
    async announce({ customerIds, listedCustomerIds, durationMs }: Announcement): Promise<SharedPolls> {
      const session = await openSession();
      const fingerprint = updateOwn(customerIds);
      const member = `${id} ${fingerprint}`;
      await announceMember(member, session);
      const keptMs = `${durationMs * POLLED_FACTOR}`;
      const { gateways, lateLists, lists: summariesKey, polled } = session.connection.keys;
      const keys = [gateways, lateLists, summariesKey, polled(fingerprint)];
      const asked = listedCustomerIds.flatMap((each) => [each, `${latest.get(each)?.failureCount ?? ""}`]);
      const values = [member, `${durationMs}`, keptMs, ...asked];
      const [nowMicros, memberTexts, isPolledKnown, listsId, lists] = v.parse(
        Reply,
        await session.write("announce", keys, values),
      );
      if (isPolledKnown === 0) {
        for (let from = 0; from < customerIds.length; from += CUSTOMERS_AT_ONCE) {
          const some = customerIds.slice(from, from + CUSTOMERS_AT_ONCE);
          await session.write("addPolled", [polled(fingerprint)], [keptMs, ...some]);
        }
      }
      const members = memberTexts.map(toMember);
      await loadPolled(members, session);
      const summaries = toSummaries(lists, nowMicros, { clock: session.connection.clock, known: latest });
      latest = summaries;
      const polls = (each: Member, customerId: string) =>
        polledByFingerprint.get(each.fingerprint)?.has(customerId) ?? false;
      const known = members.filter((each) => polledByFingerprint.has(each.fingerprint));
      const part: PollPart = {
        ownId: id,
        listsId,
        membership: known.map((each) => `${each.id} ${each.fingerprint}`).join("\n"),
        gatewaysOf: (customerId) => known.filter((each) => polls(each, customerId)).map((each) => each.id),
        listOf: (customerId) => summaries.get(customerId),
      };
      return { partOf: () => part };
    },
    async withdraw() {
      if (announced === undefined) return;
      const session = await openSession();
      await session.write("withdraw", [session.connection.keys.gateways], [announced]);
      announced = undefined;
    },
  };
}

function toFingerprint(customerIds: readonly string[]): string {
  return createHash("sha256")
    .update([...customerIds].sort().join("\n"))
    .digest("hex")
    .slice(0, 16);
}

function toMember(text: string): Member {
  const [id = "", fingerprint = ""] = text.split(" ");
  return { id, fingerprint };
}

interface SummaryContext {
  readonly clock: RedisClock;
  /** Lists with the reasons that Redis leaves out, because the number of failures is the same. */
  readonly known: ReadonlyMap<string, ListSummary>;
}

function toSummaries(
  lists: readonly string[],
  nowMicros: number,
  { clock, known }: SummaryContext,
): ReadonlyMap<string, ListSummary> {
  const summaries = new Map<string, ListSummary>();
  for (let index = 0; index + 2 < lists.length; index += 3) {
    const [customerId = "", summary = "", late] = lists.slice(index, index + 3);
    // The reason may contain spaces.
    const [, oldest = "", pages = "", failures, moves, block, reason = ""] = SUMMARY.exec(summary) ?? [];
    // A time ahead of the clock was recorded before the clock was set back, and says nothing about the age.
    const isKnown = oldest !== "" && Number(oldest) <= nowMicros;
    const failureCount = Number(failures ?? 0);
    const previous = known.get(customerId);
    summaries.set(customerId, {
      oldestMs: isKnown ? clock.toMonotonicMs(Number(oldest) / 1000) : undefined,
      pageCount: pages === "" ? undefined : Number(pages),
      failureCount,
      moves: Number(moves ?? 0),
      reason: reason === "" && previous?.failureCount === failureCount ? previous.reason : reason,
      block: toBlock(block, nowMicros, clock),
      isLate: late === "1",
    });
  }
  return summaries;
}
