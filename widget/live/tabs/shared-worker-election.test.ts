import { expect, test, vi } from "vitest";
import type { LeaderElection } from "./leader-election.ts";
import { createSharedWorkerElection, type StreamWorker } from "./shared-worker-election.ts";

const GROUP = { name: "what they share", id: "a tab", post: () => {}, onElected: () => {} };

function setUp(refuse = (): void => {}) {
  const fallback = {
    requestLeadership: vi.fn(),
    takeOver: vi.fn(),
    acceptLeader: vi.fn(),
    stepDown: vi.fn(),
    handleMessage: vi.fn(),
    close: vi.fn(),
  } satisfies LeaderElection;
  const port = { onmessage: null, postMessage: vi.fn(), close: vi.fn() };
  const worker: StreamWorker = { port, onerror: null };
  const election = createSharedWorkerElection({
    openWorker() {
      refuse();
      return worker;
    },
    apiBase: "https://widget.example.com/v1/",
    provideToken: () => Promise.resolve(),
    openFallback: () => fallback,
  })(GROUP);
  return { election, fallback, worker, port };
}

test("lets the worker lead, and queues for the worker's lock", () => {
  const { election, fallback, port } = setUp();
  election.requestLeadership();
  expect(port.postMessage.mock.calls).toEqual([[{ type: "join", apiBase: "https://widget.example.com/v1/" }]]);
  expect(fallback.requestLeadership).not.toHaveBeenCalled();
  election.acceptLeader(0);
  expect(fallback.acceptLeader).toHaveBeenCalledWith(0);
});

test("applies for leadership if the browser reports an error of the worker", () => {
  const { election, fallback, worker } = setUp();
  election.requestLeadership();
  worker.onerror?.(Object.assign(new Event("error"), { colno: 0, error: null, filename: "", lineno: 0, message: "" }));
  expect(fallback.requestLeadership).toHaveBeenCalledOnce();
});

test("applies for leadership if the browser throws on creating the worker", () => {
  const { election, fallback } = setUp(() => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  });
  election.requestLeadership();
  expect(fallback.requestLeadership).toHaveBeenCalledOnce();
});

test("applies for leadership after the worker stops leading, and takes over if the worker does not respond", () => {
  const { election, fallback } = setUp();
  election.requestLeadership();
  election.requestLeadership();
  expect(fallback.requestLeadership).toHaveBeenCalledOnce();
  election.takeOver();
  expect(fallback.takeOver).toHaveBeenCalledOnce();
});

test("sends the worker a leave message on close", () => {
  const { election, fallback, port } = setUp();
  election.requestLeadership();
  election.close();
  expect(port.postMessage).toHaveBeenLastCalledWith({ type: "leave" });
  expect(fallback.close).toHaveBeenCalledOnce();
});
