import { expect, type Mock, test, vi } from "vitest";
import type { Availabilities, Availability } from "../../shared/contracts/availability.ts";
import { BackendRefusal } from "../../shared/protocol/rejection.ts";
import { deadlineIn } from "../../shared/runtime/deadline.ts";
import type { CallScope, GatewayClient } from "../gateway/gateway-client.ts";
import { unaskedGateway } from "../test/test-gateway-client.ts";
import type { Live, Wanted } from "./live.ts";
import { createLiveService, type LiveService } from "./live-service.ts";

const scope: CallScope = { signal: new AbortController().signal, deadline: deadlineIn(10_000) };

const availabilityOf = (userId: number): Availability => ({ userId, status: "available", version: 1 });
const among = (userIds: readonly number[]): Availabilities =>
  Object.fromEntries(userIds.map((userId) => [userId, availabilityOf(userId)]));

interface SetUp {
  readonly service: LiveService;
  /** One for each time that the live part is being loaded. */
  readonly loads: { readonly succeed: () => void; readonly fail: (error: Error) => void }[];
  readonly onDefect: Mock;
  /** What the live part was told to follow. */
  readonly followed: Wanted[];
  /** The users that the live part knows of. */
  readonly known: Set<number>;
  /** The users that were asked for. */
  readonly asked: (readonly number[] | undefined)[];
  readonly live: Live;
  readonly gateway: { -readonly [Key in keyof GatewayClient]: GatewayClient[Key] };
}

function setUp(): SetUp {
  const loads: SetUp["loads"] = [];
  const followed: Wanted[] = [];
  const known = new Set<number>();
  const asked: SetUp["asked"] = [];
  const onDefect = vi.fn();
  const live: Live = {
    follow: (wanted) => void followed.push(wanted),
    missing: (userIds) => [...userIds].filter((userId) => !known.has(userId)),
    tell: (userIds, read) => ({ ...read, ...among([...userIds].filter((userId) => known.has(userId))) }),
    release: vi.fn(),
    end: vi.fn(),
    renew: () => Promise.resolve(),
    wake() {},
    known: { find: () => undefined, newest: (availability) => availability },
  };
  const gateway = {
    ...unaskedGateway,
    goBy: vi.fn(),
    fetchAvailabilities(userIds?: readonly number[]): Promise<Availabilities> {
      asked.push(userIds);
      return Promise.resolve(among(userIds ?? []));
    },
  } satisfies GatewayClient;
  const load = () =>
    new Promise<Live>((resolve, reject) => void loads.push({ succeed: () => resolve(live), fail: reject }));
  return {
    service: createLiveService({ gateway, load, onDefect }),
    loads,
    onDefect,
    followed,
    known,
    asked,
    live,
    gateway,
  };
}

/** Lets everything happen that waits for nobody. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test("loads the live part once it is wanted, once, and has it follow what is wanted by then", async () => {
  const { service, loads, followed } = setUp();
  service.destroy(["USER"]);
  expect(loads).toHaveLength(0);
  service.init(["USER"]).catch(() => {});
  service.init(["USER"]).catch(() => {});
  service.destroy(["USER"]);
  expect(loads).toHaveLength(1);
  loads[0]?.succeed();
  await settle();
  expect(followed).toEqual([{ everyone: false, userIds: new Set() }]);
});

test("has reads go by what the live part knows, from when it is there", async () => {
  const { service, loads, gateway, live } = setUp();
  service.init(["USER"]).catch(() => {});
  expect(gateway.goBy).not.toHaveBeenCalled();
  loads[0]?.succeed();
  await settle();
  expect(gateway.goBy).toHaveBeenCalledExactlyOnceWith(live.known);
});

test("tells of a live part that could not be loaded, and loads it again when something is wanted next", async () => {
  const { service, loads, onDefect, followed } = setUp();
  service.init(["USER"]).catch(() => {});
  const error = new Error("no such chunk");
  loads[0]?.fail(error);
  await settle();
  expect(onDefect).toHaveBeenCalledExactlyOnceWith(error);
  expect(loads).toHaveLength(1);
  service.init(["USER"]).catch(() => {});
  expect(loads).toHaveLength(2);
  loads[1]?.succeed();
  await settle();
  expect(followed).toEqual([{ everyone: true, userIds: new Set() }]);
});

test("rejects what cannot be followed, so that whoever wants it asks again", async () => {
  const { service, loads, asked } = setUp();
  const wishes = [service.init(["USER"]), service.watch([1, 2], scope)];
  loads[0]?.fail(new Error("no such chunk"));
  const rejection = expect.objectContaining({ code: "BACKEND_UNREACHABLE", retryable: true });
  for (const wish of wishes) await expect(wish).rejects.toMatchObject({ rejection });
  const again = service.watch([1], scope);
  expect(loads).toHaveLength(2);
  loads[1]?.succeed();
  expect(await again).toEqual(among([1]));
  expect(asked).toEqual([[1, 2], [1]]);
});

test("has those announced whom a read could not answer for, also by a live part that comes later", async () => {
  const { service, loads, live, gateway } = setUp();
  gateway.fetchAvailabilities = () => Promise.reject(new BackendRefusal(403, {}));
  await expect(service.watch([1, 2], scope)).rejects.toMatchObject({ status: 403 });
  loads[0]?.succeed();
  await settle();
  expect(live.release).toHaveBeenCalledExactlyOnceWith([1, 2], expect.any(Error));
});

test("counts nothing as told to a page that has not waited", async () => {
  const { service, loads, live } = setUp();
  const tell = vi.spyOn(live, "tell");
  const leaving = new AbortController();
  const watching = service.watch([1], { ...scope, signal: leaving.signal });
  leaving.abort(new Error("not waited"));
  loads[0]?.succeed();
  await expect(watching).rejects.toThrow("not waited");
  expect(tell).not.toHaveBeenCalled();
  expect(live.release).toHaveBeenCalledExactlyOnceWith([1], expect.any(Error));
});

test("asks for watched users while the live part is being loaded, and answers once it is there", async () => {
  const { service, loads, asked, followed } = setUp();
  const onAnswer = vi.fn();
  const watching = service.watch([1, 2, 1], scope).then(onAnswer);
  expect(asked).toEqual([[1, 2]]);
  await settle();
  expect(onAnswer).not.toHaveBeenCalled();
  loads[0]?.succeed();
  await watching;
  expect(onAnswer).toHaveBeenCalledExactlyOnceWith(among([1, 2]));
  expect(followed).toEqual([{ everyone: false, userIds: new Set([1, 2]) }]);
});

test("tells the live part how long ago the users were read while it was being loaded", async () => {
  const { service, loads, live } = setUp();
  const clock = vi.spyOn(performance, "now").mockReturnValue(1_000);
  const tell = vi.spyOn(live, "tell");
  const watching = service.watch([1], scope);
  await settle();
  clock.mockReturnValue(4_000);
  loads[0]?.succeed();
  await watching;
  clock.mockRestore();
  expect(tell).toHaveBeenCalledExactlyOnceWith([1], among([1]), 3_000);
});

test("asks only for those of whom nothing is known, and for nobody where that is none", async () => {
  const { service, loads, asked, known } = setUp();
  service.init(["USER"]).catch(() => {});
  loads[0]?.succeed();
  await settle();
  known.add(1).add(2);
  expect(await service.watch([1, 2, 3], scope)).toEqual(among([1, 2, 3]));
  expect(await service.watch([1, 2], scope)).toEqual(among([1, 2]));
  expect(asked).toEqual([[3]]);
});

test("wants nothing for a page that has gone", async () => {
  const { service, loads, followed } = setUp();
  service.init(["USER"]).catch(() => {});
  loads[0]?.succeed();
  await service.watch([1], scope);
  service.leave();
  expect(followed.at(-1)).toEqual({ everyone: false, userIds: new Set() });
});
