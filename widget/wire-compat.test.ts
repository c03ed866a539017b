/**
 * The envelopes of every release so far: the present widget settles a release's envelopes as the release did, and the
 * present connector still works with the release.
 */
import { readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, onTestFinished, test, vi } from "vitest";
import { ScriptedAnswer, startScriptedBackend } from "../gateway/test/scripted-backend.ts";
import { createConnector } from "../host/create-connector.ts";
import { contract } from "../shared/contracts/index.ts";
import { createDispatcher } from "../shared/runtime/dispatch.ts";
import { handlers } from "./handlers/index.ts";
import { testServices } from "./test/test-services.ts";

const Recorded = v.looseObject({ type: v.string(), meta: v.exactOptional(v.looseObject({ id: v.string() })) });
type Recorded = v.InferOutput<typeof Recorded>;

const Recording = v.object({
  release: v.string(),
  exchanges: v.array(
    v.object({
      name: v.string(),
      backend: v.nullable(ScriptedAnswer),
      posted: v.array(Recorded),
      settled: v.array(Recorded),
    }),
  ),
});

const folder = new URL("../shared/vectors/recordings/", import.meta.url);
const exchanges = readdirSync(folder)
  .map((file) => v.parse(Recording, JSON.parse(readFileSync(new URL(file, folder), "utf8"))))
  .flatMap(({ release, exchanges: ofRelease }) => ofRelease.map((exchange) => ({ release, ...exchange })));

const { version } = v.parse(
  v.object({ version: v.string() }),
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")),
);

test("this release is recorded", () => {
  expect(exchanges.map(({ release }) => release)).toContain(version);
});

/** Matches a settlement despite new texts, a different session id, and additional events. */
function compatible(settlement: Recorded): unknown {
  const { payload } = settlement;
  const registered = v.safeParse(v.looseObject({ sessionId: v.string(), events: v.array(v.string()) }), payload);
  if (registered.success) {
    const events = expect.arrayContaining(registered.output.events);
    const known = { ...registered.output, sessionId: expect.any(String), events };
    // A page ignores unknown fields of the registration, for example the traits of events.
    return { ...settlement, payload: expect.objectContaining(known) };
  }
  const refused = v.safeParse(v.object({ error: v.looseObject({ code: v.string(), message: v.string() }) }), payload);
  if (!refused.success) return settlement;
  const { code, retryable } = refused.output.error;
  return {
    ...settlement,
    payload: { error: expect.objectContaining({ code, message: expect.any(String), retryable }) },
  };
}

test.for(exchanges)("the widget settles what release $release posted: $name", async (exchange) => {
  const backend = await startScriptedBackend({ answers: exchange.backend });
  onTestFinished(() => backend.close());
  const origins = exchange.posted.map(({ payload }) => Object(payload).origin);
  const { dispatch } = createDispatcher({
    contract,
    handlers,
    services: testServices(backend.origin, () => origins[0]),
    onDefect: (error) => expect.fail(`a defect: ${String(error)}`),
  });
  const settled = await Promise.all(exchange.posted.map(dispatch));
  expect(settled).toEqual(exchange.settled.map(compatible));
});

test.for(exchanges)(
  "the connector posts what release $release posted and hands its settlement on: $name",
  async ({ posted, settled }) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const onTheWire: unknown[] = [];
    const connector = createConnector(
      (_clock, _receive, _getNeed, onConnected) => {
        queueMicrotask(onConnected);
        const post = async (event: unknown): Promise<unknown> => {
          onTheWire.push(event);
          return settled[posted.findIndex(({ meta }) => meta?.id === Object(event).meta.id)];
        };
        return { post, checkFrame: () => {}, connect: () => {}, close: () => {} };
      },
      { origin: "https://crm.example.com", appName: "crm.example.com", release: "unknown" },
      "",
      () => "nobody there",
      { timeoutMs: 10_000, handshakeTimeoutMs: 10_000 },
      undefined,
      () => {},
    );
    onTestFinished(connector.destroy);
    await connector.ready;
    onTheWire.length = 0;
    const named = posted.filter(({ meta }) => meta);
    expect(await Promise.all(named.map((event) => connector.dispatch(event)))).toEqual(
      settled.filter(({ meta }) => meta),
    );
    expect(onTheWire).toEqual(named);
  },
);
