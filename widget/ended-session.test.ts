/** The end of a session, and a token that the gateway accepts again: the real widget with a scripted gateway and a scripted feed. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { Availability } from "../shared/contracts/availability.ts";
import type { Envelope } from "../shared/protocol/envelope.ts";
import { BackendResponseError } from "../shared/protocol/rejection.ts";
import { unauthorizedError } from "./gateway/api-client.ts";
import type { GatewayClient } from "./gateway/gateway-client.ts";
import type { CallWithToken } from "./gateway/session.ts";
import type { FeedEvent } from "./live/change-feed.ts";
import { createLive } from "./live/live.ts";
import { unusedGateway } from "./test/test-gateway-client.ts";
import { createWidget } from "./widget.ts";

const availabilityOf = (userId: number): Availability => ({ userId, status: "available", version: 1 });

/** Creates a widget whose page gives the world's token, set by the test. The feed opens with an accepted token. */
function setUp() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  vi.spyOn(console, "warn").mockReturnValue();
  const announced: Envelope[] = [];
  const held: (() => void)[] = [];
  const world = { token: "T" as string | undefined, isAccepted: true, holdsReads: false, openFeeds: 0 };
  let emit = (_event: FeedEvent): void => {};
  const widget = createWidget({
    async post(event) {
      const { type, payload } = Object(event);
      if (type === "HOST.FETCH_TOKEN") return { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: world.token } };
      announced.push({ type, payload });
      return undefined;
    },
    pageOrigin: () => undefined,
    createGateway(session): GatewayClient {
      const read: CallWithToken<void> = async (_token, hasEnded) => {
        if (!world.isAccepted) throw new BackendResponseError(401, {});
        if (world.holdsReads) await new Promise<void>((resolve) => held.push(resolve));
        if (hasEnded?.()) throw unauthorizedError();
      };
      return {
        ...unusedGateway,
        async fetchAvailability(userId, { signal }) {
          await session.withToken(signal, read);
          return availabilityOf(userId);
        },
        async fetchAvailabilities(userIds, { signal }) {
          await session.withToken(signal, read);
          return Object.fromEntries(userIds.map((userId) => [userId, availabilityOf(userId)]));
        },
        verifyToken: async (signal) => {
          await session.withToken(signal, read);
          return { sharingKey: undefined, refreshAt: Infinity };
        },
      };
    },
    async loadLive({ verifyToken }, options) {
      return createLive({
        ...options,
        isVisible: () => true,
        openFeed({ onEvent, userIds = [] }) {
          world.openFeeds += 1;
          emit = onEvent;
          verifyToken(new AbortController().signal).then(
            () => {
              onEvent({ type: "reset" });
              for (const userId of userIds)
                onEvent({ type: "availability", ageMs: 0, availability: { ...availabilityOf(userId), updatedAt: 1 } });
              onEvent({ type: "current" });
              onEvent({ type: "heartbeat", ageMs: 0 });
            },
            () => onEvent({ type: "unauthorized" }),
          );
          return { follow() {}, checkConnection() {}, retryNow() {}, close: () => void (world.openFeeds -= 1) };
        },
      });
    },
    reloadDocument() {},
    onIdentityChanged() {},
    onDefect: (error) => expect.fail(String(error)),
  });
  const dispatch = (type: string, payload?: unknown) =>
    widget.dispatch({ type, payload, meta: { id: crypto.randomUUID() } });
  return {
    world,
    announced,
    dispatch,
    watch: (...added: number[]) => dispatch("API.CHANGE_WATCHED_USERS", { variables: { added, removed: [] } }),
    read: () => dispatch("API.FETCH_USER_AVAILABILITY", { variables: { userId: 9 } }),
    emit: (event: FeedEvent) => emit(event),
    answerHeldReads() {
      world.holdsReads = false;
      for (const answer of held.splice(0)) answer();
    },
    types: () => announced.map(({ type }) => type),
  };
}

/** Waits until the token, the live part and the feed have arrived: each needs microtasks alone. */
const tick = () => vi.advanceTimersByTimeAsync(0);

test.each([
  ["the same token", "T"],
  ["no token", undefined],
])(
  "opens the feed again if the gateway accepts %s after the end of the session, and announces the next session",
  async (_what, token) => {
    const { world, watch, announced, types } = setUp();
    world.token = token;
    await watch(1);
    await tick();
    world.isAccepted = false;
    expect(await watch(2)).toMatchObject({ type: "API.CHANGE_WATCHED_USERS_REJECTED", meta: { status: 401 } });
    expect([types(), world.openFeeds]).toEqual([["AUTH.SESSION_EXPIRED"], 0]);
    world.isAccepted = true;
    expect(await watch(3)).toMatchObject({
      type: "API.CHANGE_WATCHED_USERS_FULFILLED",
      payload: { 3: availabilityOf(3) },
    });
    await tick();
    expect(world.openFeeds).toBe(1);
    expect(announced.slice(1)).toMatchObject([
      { type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload: { userId: 1 } },
      { type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload: { userId: 2 } },
      { type: "LIVE.STATE_CHANGED", payload: { state: "live" } },
    ]);
  },
);

test("opens the feed again if the page refreshes the token and gives the same one, which the gateway accepts again", async () => {
  const { world, watch, dispatch, types } = setUp();
  await watch(1);
  await tick();
  world.isAccepted = false;
  await watch(2);
  await dispatch("AUTH.REFRESH_TOKEN");
  await tick();
  expect([types(), world.openFeeds]).toEqual([["AUTH.SESSION_EXPIRED"], 0]);
  world.isAccepted = true;
  await dispatch("AUTH.REFRESH_TOKEN");
  await tick();
  expect([types().at(-1), world.openFeeds]).toEqual(["LIVE.STATE_CHANGED", 1]);
});

test("rejects a watch that the gateway has accepted before the end of the session and answers after it", async () => {
  const { world, watch, read, answerHeldReads, types } = setUp();
  world.holdsReads = true;
  const watching = watch(1);
  await tick();
  world.isAccepted = false;
  expect(await read()).toMatchObject({ meta: { status: 401 } });
  answerHeldReads();
  expect(await watching).toMatchObject({ type: "API.CHANGE_WATCHED_USERS_REJECTED", meta: { status: 401 } });
  await vi.advanceTimersByTimeAsync(60_000);
  expect([types(), world.openFeeds]).toEqual([["AUTH.SESSION_EXPIRED"], 0]);
});

test("repeats a read of the last session in the next one, if that has the same token", async () => {
  const { world, watch, read, answerHeldReads, types } = setUp();
  await watch(1);
  await tick();
  world.holdsReads = true;
  const late = read();
  await tick();
  world.isAccepted = false;
  await watch(2);
  world.isAccepted = true;
  world.holdsReads = false;
  expect(await watch(3)).toMatchObject({ type: "API.CHANGE_WATCHED_USERS_FULFILLED" });
  answerHeldReads();
  expect(await late).toMatchObject({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED" });
  expect(types().filter((type) => type === "AUTH.SESSION_EXPIRED")).toHaveLength(1);
});

test("announces the end of the session of a page without a token whom the gateway has served before", async () => {
  const { world, watch, types, emit } = setUp();
  world.token = undefined;
  await watch(1);
  await tick();
  world.isAccepted = false;
  await watch(2);
  emit({ type: "unauthorized" });
  expect([types(), world.openFeeds]).toEqual([["AUTH.SESSION_EXPIRED"], 0]);
});

test.each([
  ["had no subscription when the session ended", async () => {}],
  [
    "has ended its subscription since",
    async ({ dispatch }: ReturnType<typeof setUp>) => dispatch("BUS.DESTROY", { services: ["USER"] }),
  ],
])("announces the next session also to a page that %s", async (what, act) => {
  const side = setUp();
  const { world, dispatch, read, types } = side;
  await read();
  if (what.startsWith("has ended")) await dispatch("BUS.INIT", { services: ["USER"] });
  world.isAccepted = false;
  await read();
  expect(types()).toContain("AUTH.SESSION_EXPIRED");
  await act(side);
  world.isAccepted = true;
  await dispatch("BUS.INIT", { services: ["USER"] });
  await tick();
  expect(types().at(-1)).toBe("LIVE.STATE_CHANGED");
});

test("announces no `live` for a stale page's next token before the gateway has accepted it", async () => {
  const { world, watch, dispatch, types } = setUp();
  await watch(1);
  await vi.advanceTimersByTimeAsync(45_000);
  expect(types()).toEqual(["LIVE.STATE_CHANGED"]);
  world.isAccepted = false;
  await watch(2);
  world.token = "another one";
  await dispatch("AUTH.REFRESH_TOKEN");
  await tick();
  expect(types()).toEqual(["LIVE.STATE_CHANGED", "AUTH.SESSION_EXPIRED"]);
});
