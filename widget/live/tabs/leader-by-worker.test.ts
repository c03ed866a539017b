import { expect, test, vi } from "vitest";
import type { Election } from "./election.ts";
import { createWorkerElection, type StreamWorker } from "./leader-by-worker.ts";

const GROUP = { name: "what they share", id: "a tab", post: () => {}, onElected: () => {} };

function setUp(refuse = (): void => {}) {
  const fallback = {
    stand: vi.fn(),
    replace: vi.fn(),
    follow: vi.fn(),
    stepDown: vi.fn(),
    hear: vi.fn(),
    leave: vi.fn(),
  } satisfies Election;
  const port = { onmessage: null, postMessage: vi.fn(), close: vi.fn() };
  const worker: StreamWorker = { port, onerror: null };
  const election = createWorkerElection({
    openWorker() {
      refuse();
      return worker;
    },
    apiBase: "https://widget.example.com/v1/",
    lend: () => Promise.resolve(),
    openFallback: () => fallback,
  })(GROUP);
  return { election, fallback, worker, port };
}

test("leaves it to the worker to lead, and waits in line for when it is gone", () => {
  const { election, fallback, port } = setUp();
  election.stand();
  expect(port.postMessage.mock.calls).toEqual([[{ type: "join", apiBase: "https://widget.example.com/v1/" }]]);
  expect(fallback.stand).not.toHaveBeenCalled();
  election.follow(0);
  expect(fallback.follow).toHaveBeenCalledWith(0);
});

test("stands itself where the browser refuses the worker", () => {
  const { election, fallback, worker } = setUp();
  election.stand();
  worker.onerror?.(Object.assign(new Event("error"), { colno: 0, error: null, filename: "", lineno: 0, message: "" }));
  expect(fallback.stand).toHaveBeenCalledOnce();
});

test("stands itself where the browser refuses even to ask for the worker", () => {
  const { election, fallback } = setUp(() => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  });
  election.stand();
  expect(fallback.stand).toHaveBeenCalledOnce();
});

test("stands itself once the worker leads no more, and where it does not answer", () => {
  const { election, fallback } = setUp();
  election.stand();
  election.stand();
  expect(fallback.stand).toHaveBeenCalledOnce();
  election.replace();
  expect(fallback.replace).toHaveBeenCalledOnce();
});

test("tells the worker that it leaves", () => {
  const { election, fallback, port } = setUp();
  election.stand();
  election.leave();
  expect(port.postMessage).toHaveBeenLastCalledWith({ type: "leave" });
  expect(fallback.leave).toHaveBeenCalledOnce();
});
