import * as v from "valibot";
import { Availabilities, Availability } from "../../shared/contracts/availability.ts";
import { toIssues } from "../../shared/protocol/issues.ts";
import { BackendRefusal, Refusal } from "../../shared/protocol/rejection.ts";
import { runDown } from "./age.ts";
import {
  authorization,
  type BackendAnswer,
  type BackendCall,
  counted,
  createBackend,
  FETCH_OPTIONS,
  unreachable,
} from "./backend.ts";
import type {
  CallScope,
  CallStatistics,
  FollowedPath,
  FollowOptions,
  GatewayClient,
  KnownAvailabilities,
} from "./gateway-client.ts";
import type { Session } from "./session.ts";
import { readRenewalTime, readSubject } from "./token-claims.ts";
import { createUserReads, type UserRead } from "./user-reads.ts";
import { readRetryAfter, refuseRedirect } from "./whole-response.ts";

/** Users in one call for many, which is what the gateway takes. */
const MAX_BATCH = 500;

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_LIST_BYTES = 4 * MAX_BODY_BYTES;

/** Creates a client that talks to the gateway over HTTP. `apiBase` ends with a slash. */
export function createHttpGatewayClient(apiBase: URL, session: Session): GatewayClient {
  const statistics: CallStatistics = { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 };
  const onBytes = (bytes: number): void => {
    statistics.bytes += bytes;
  };
  const backend = createBackend({ apiBase, session, statistics, onBytes });
  let known: KnownAvailabilities | undefined;

  /** What an answer says of a user, as it is by now. */
  function take(availability: Availability, ageSeconds: number): Availability {
    const now = runDown(availability, ageSeconds);
    return known?.newest(now) ?? now;
  }

  function takeList({ body, ageSeconds }: BackendAnswer): Map<number, UserRead> {
    const { availabilities, errors } = parse(AvailabilityList, body);
    const reads = new Map<number, UserRead>();
    for (const [name, problem] of Object.entries(errors)) {
      if (!v.is(Problem, problem)) throw answersForAnother(name);
      reads.set(Number(name), new BackendRefusal(problem.status, problem));
    }
    for (const [name, availability] of Object.entries(availabilities)) {
      if (name !== String(availability.userId)) throw answersForAnother(name);
      reads.set(availability.userId, take(availability, ageSeconds));
    }
    return reads;
  }

  function toCallForOne(userId: number): BackendCall<Map<number, UserRead>> {
    const held = known?.find(userId);
    return {
      path: `users/${userId}/availability`,
      maxBytes: MAX_BODY_BYTES,
      heldVersion: held?.version,
      read: ({ body, ageSeconds }) => {
        // What is held goes on counting down by itself, whatever the age of the answer.
        if (held && body === undefined) return new Map([[userId, take(held.read(), 0)]]);
        const availability = parse(Availability, body);
        if (availability.userId !== userId) throw answersForAnother(userId);
        return new Map([[userId, take(availability, ageSeconds)]]);
      },
    };
  }

  async function readUsers(close: () => readonly number[], scope: CallScope): Promise<ReadonlyMap<number, UserRead>> {
    const describe = (): BackendCall<Map<number, UserRead>> => {
      const [userId, ...others] = close();
      if (userId !== undefined && others.length === 0) return toCallForOne(userId);
      return { path: `availabilities?userIds=${close().join()}`, maxBytes: MAX_LIST_BYTES, read: takeList };
    };
    try {
      return await backend.call(describe, scope);
    } catch (error) {
      const [userId, ...others] = close();
      const isUnknown = error instanceof BackendRefusal && error.status === 404;
      if (userId === undefined || others.length > 0 || !isUnknown) throw error;
      return new Map([[userId, error]]);
    }
  }

  async function follow(path: FollowedPath, token: string | undefined, options: FollowOptions): Promise<Response> {
    const headers = { ...authorization(token), ...options.headers };
    const asked = fetch(new URL(path, apiBase), { ...FETCH_OPTIONS, ...options, headers });
    const response = await asked.catch((error: unknown) => {
      throw options.signal.aborted ? error : unreachable();
    });
    const body = response.body?.pipeThrough(counting(onBytes));
    if (response.ok || response.status === 304) return new Response(body, response);
    await body?.cancel();
    refuseRedirect(response);
    throw new BackendRefusal(response.status, undefined, readRetryAfter(response.headers));
  }

  const { ask, outdate } = createUserReads({
    call: readUsers,
    maxUsers: MAX_BATCH,
    onShared: () => {
      statistics.coalesced += 1;
    },
  });

  return {
    statistics,
    goBy(next) {
      known = next;
    },
    async fetchAvailability(userId, scope) {
      const [read = answersForAnother(userId)] = await ask([userId], scope);
      if (read instanceof Error) throw read;
      return read;
    },
    async fetchAvailabilities(userIds, scope) {
      const reads = userIds
        ? await ask(userIds, scope)
        : await backend.call(
            () => ({ path: "availabilities", maxBytes: MAX_LIST_BYTES, read: (answer) => takeList(answer).values() }),
            scope,
          );
      const availabilities: Record<string, Availability> = {};
      for (const read of reads) if (read && !(read instanceof Error)) availabilities[read.userId] = read;
      return availabilities;
    },
    fetchResource: (path, schema, scope) =>
      backend.call(() => ({ path, maxBytes: MAX_BODY_BYTES, read: ({ body }) => parse(schema, body) }), scope),
    updateOwnAvailability: (status, scope) =>
      backend.call(
        () => ({
          path: "users/me/availability",
          maxBytes: MAX_BODY_BYTES,
          written: { status },
          read({ body, ageSeconds }) {
            const changed = take(parse(Availability, body), ageSeconds);
            outdate(changed.userId);
            return changed;
          },
        }),
        scope,
      ),
    follow(path, options) {
      const send = counted(statistics, path === "availabilities" ? "calls" : "streams", follow);
      return session.run(options.signal, (token) => send(path, token, options));
    },
    lend: (signal, isTaken) =>
      session.run(signal, async (token) => {
        if (!(await isTaken(token))) throw new BackendRefusal(401, undefined);
      }),
    prove: (signal) =>
      session.run(signal, async (token) => {
        if (!(await backend.hasTaken(token))) await follow("availabilities/stream", token, { signal, method: "HEAD" });
        // Nobody's sign-in is in what the backend lets anyone read.
        if (token === undefined) return { sharedBy: "anyone", renewAt: Infinity };
        const subject = readSubject(token);
        const sharedBy = subject === undefined ? undefined : `subject ${subject}`;
        return { sharedBy, renewAt: readRenewalTime(token, Date.now()) };
      }),
  };
}

/** Hands bytes on as they come, and says how many. */
function counting(onBytes: (bytes: number) => void): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(piece, controller) {
      onBytes(piece.byteLength);
      controller.enqueue(piece);
    },
  });
}

/** Many users' availabilities, and why there is none of the others. */
const AvailabilityList = v.object({
  availabilities: Availabilities,
  errors: v.record(v.string(), v.unknown()),
});

const Problem = v.object({ status: v.number() });

function parse<Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  throw new Refusal("INVALID_RESPONSE", "The backend's answer is not what was asked for", toIssues(result.issues));
}

function answersForAnother(userId: number | string): Refusal {
  return new Refusal("INVALID_RESPONSE", `The backend was asked for user ${userId} and answered for another`);
}
