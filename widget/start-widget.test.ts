/** The settlements that the panel shows in detail, over a port that the test plays. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { Availability } from "../shared/contracts/availability.ts";
import type { openWindowPort } from "../shared/transport/penpal-port.ts";
import type { PageState } from "./panel/services.ts";
import { startWidget } from "./start-widget.ts";
import { failUnexpectedCall, unusedGateway } from "./test/test-gateway-client.ts";

const page = vi.hoisted(() => ({
  token: "",
  receive: (_event: unknown): unknown => undefined,
  handshake: (_origin: string): void => {},
}));

vi.mock("../shared/transport/penpal-port.ts", () => ({
  openWindowPort: ((receive, _parent, _allowedOrigins, onHandshake) => {
    Object.assign(page, { receive, handshake: onHandshake });
    const post = (): Promise<unknown> =>
      Promise.resolve({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: page.token } });
    return { opened: Promise.resolve(), post, close() {} };
  }) satisfies typeof openWindowPort,
}));
vi.mock("./transport/log-rejected-origins.ts", () => ({ logRejectedOrigins() {} }));

const availabilityOf = (userId: number): Availability => ({ userId, status: "available", version: 1 });

/** Creates a token of an agent. Its signature is not read. */
const tokenOf = (sub: string): string => `e30.${btoa(JSON.stringify({ sub })).replaceAll("=", "")}.e30`;

/** Starts a widget on a page with the token of agent 1, with reads that the test answers. */
async function setUp() {
  vi.stubGlobal("reportError", (error: unknown) => expect.fail(String(error)));
  onTestFinished(() => void vi.unstubAllGlobals());
  page.token = tokenOf("1");
  let state: PageState = { isConnected: false, latest: undefined };
  const reads = new Map<number, (availability: Availability) => void>();
  const { refreshToken } = startWidget({
    parent: Object.create(null),
    allowedOrigins: ["https://crm.example.com"],
    createGateway: () => ({
      ...unusedGateway,
      fetchAvailability: (userId) => new Promise((resolve) => reads.set(userId, resolve)),
    }),
    loadLive: failUnexpectedCall,
    reloadDocument() {},
    onPageChange: (change) => (state = { ...state, ...change }),
  });
  page.handshake("https://crm.example.com");
  await page.receive({ type: "BUS.PING" });
  await refreshToken();
  return {
    refreshToken,
    shown: () => state.latest?.payload,
    request: (userId: number): unknown =>
      page.receive({ type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId } } }),
    answer: (userId: number) => reads.get(userId)?.(availabilityOf(userId)),
  };
}

test("the panel shows the page's latest request, whatever order the gateway answers in", async () => {
  const { request, answer, shown } = await setUp();
  const settled = Promise.all([request(1), request(2)]);
  answer(2);
  answer(1);
  await settled;
  expect(shown()).toEqual(availabilityOf(2));
});

test("the panel of the next page shows no request that ended with the last page", async () => {
  const { request, shown } = await setUp();
  const settled = request(1);
  page.handshake("https://crm.example.com");
  await settled;
  expect(shown()).toBeUndefined();
});

test("the panel of the next agent shows no answer to the last agent's request", async () => {
  const { request, answer, refreshToken, shown } = await setUp();
  const settled = request(1);
  page.token = tokenOf("2");
  await refreshToken();
  answer(1);
  await settled;
  expect(shown()).toBeUndefined();
});
