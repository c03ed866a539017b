import type { ServerResponse } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { listen } from "../../../scripts/testing/local-server.ts";
import { createRecordingLog } from "../../test/recording-log.ts";
import { createMetrics } from "./metrics.ts";
import { traceRequest } from "./request-trace.ts";

const RESPONSE = { route: "/v1/availabilities", method: "GET", status: 200, customer: "acme" };

/** Starts a server that traces each request and responds with `write`, which also calls `respond`. */
async function setUp(write: (response: ServerResponse, respond: () => void) => void) {
  const { log, records } = createRecordingLog();
  const metrics = createMetrics();
  const { port, close } = await listen("127.0.0.1", (_request, response) => {
    const headers = { requestId: "known", traceparent: undefined };
    write(response, () => traceRequest({ log, metrics }, headers, response).respond(RESPONSE));
  });
  onTestFinished(close);
  return { origin: `http://127.0.0.1:${port}`, records };
}

test("logs a response that was written at once without a listener, whose list of listeners would keep the request in memory", async () => {
  const seen: unknown[] = [];
  const { origin, records } = await setUp((response, respond) => {
    const listeners = response.listenerCount("close");
    response.end("{}");
    // From Node 24 on a response is not finished in the turn in which it is written, and needs the listener.
    const isFinished = response.writableFinished;
    respond();
    seen.push([isFinished, response.listenerCount("close") - listeners, records.length]);
  });
  await (await fetch(origin)).text();
  expect([[[true, 0, 1]], [[false, 1, 0]]]).toContainEqual(seen);
  await expect.poll(() => records.length).toBe(1);
  expect(records).toMatchObject([{ requestId: "known", status: 200 }]);
  expect(records[0]).not.toHaveProperty("aborted");
});

test("logs a response that is written later once it is closed, and says if the client has not got all of it", async () => {
  const open: ServerResponse[] = [];
  const { origin, records } = await setUp((response, respond) => {
    respond();
    open.push(response);
    response.write("{");
  });
  const client = new AbortController();
  const responses = [await fetch(origin), await fetch(origin, { signal: client.signal })];
  expect(records).toEqual([]);
  open[0]?.end("}");
  await responses[0]?.text();
  await vi.waitFor(() => expect(records).toHaveLength(1));
  expect(records[0]).not.toHaveProperty("aborted");
  client.abort();
  await vi.waitFor(() => expect(records).toHaveLength(2), { timeout: 10_000 });
  expect(records[1]).toHaveProperty("aborted", true);
});
