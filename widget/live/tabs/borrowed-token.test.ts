import { getEventListeners } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BackendResponseError } from "../../../shared/protocol/rejection.ts";
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import { createBorrowedTokenSession, lendToken } from "./borrowed-token.ts";
import type { TabPort } from "./worker-message.ts";

const { signal } = new AbortController();
const refusal = new BackendResponseError(401, {});

/** A tab whose page gives the tokens in turn. */
function tabWith(...tokens: readonly string[]): TabPort {
  const provideToken: GatewayClient["provideToken"] = async (_signal, isAccepted) => {
    for (const token of tokens) if (await isAccepted(token)) return;
    throw refusal;
  };
  return {
    ...crashedTab(),
    postMessage(message, [port] = []) {
      if (message.type === "lend" && port instanceof MessagePort) void lendToken(port, provideToken, signal);
    },
  };
}

function crashedTab(): TabPort {
  return { postMessage() {}, onmessage: null, close() {} };
}

/** Lets messages arrive until the condition is true. Needs no timer, since the clock may be a fake one. */
async function waitForMessages(isDone: () => boolean): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  while (!isDone()) {
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(undefined);
    });
  }
  port1.close();
}

/** A tab played by the test: `port` returns the port of the worker's latest request. */
function playedTab(): { readonly tab: TabPort; readonly port: () => MessagePort } {
  let latest: MessagePort | undefined;
  onTestFinished(() => latest?.close());
  return {
    port() {
      if (!latest) throw new Error("The worker has requested nothing");
      return latest;
    },
    tab: {
      ...crashedTab(),
      postMessage(_message, [port] = []) {
        if (port instanceof MessagePort) latest = port;
      },
    },
  };
}

function sessionOf(...tabs: readonly TabPort[]) {
  const drop = vi.fn();
  return { drop, withToken: createBorrowedTokenSession(() => tabs, drop).withToken };
}

/** A backend with a single accepted token. */
function backendAccepting(good: string) {
  return vi.fn((token: string | undefined) =>
    token === good ? Promise.resolve("the stream") : Promise.reject(refusal),
  );
}

describe("the worker's session", () => {
  test("calls with the token of a tab", async () => {
    const call = backendAccepting("t1");
    const { withToken, drop } = sessionOf(tabWith("t1"));
    await expect(withToken(signal, call)).resolves.toBe("the stream");
    expect(call.mock.calls).toEqual([["t1"]]);
    expect(drop).not.toHaveBeenCalled();
  });

  test("asks the same tab for another token after a 401, and then the next tab", async () => {
    const call = backendAccepting("t3");
    const refused = tabWith("t1", "t2");
    const { withToken, drop } = sessionOf(refused, tabWith("t3"));
    await expect(withToken(signal, call)).resolves.toBe("the stream");
    expect(call.mock.calls).toEqual([["t1"], ["t2"], ["t3"]]);
    expect(drop.mock.calls).toEqual([[refused]]);
  });

  test("rejects with 401 if no tab has a valid token, or there is no tab", async () => {
    const call = backendAccepting("t2");
    await expect(sessionOf(tabWith("t1")).withToken(signal, call)).rejects.toMatchObject({ status: 401 });
    const none = { status: 401, body: { title: "No tab has a valid token" } };
    await expect(sessionOf().withToken(signal, call)).rejects.toMatchObject(none);
  });

  test("drops a tab that does not answer within 1 s, and goes on with the next", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const crashed = crashedTab();
    const { withToken, drop } = sessionOf(crashed, tabWith("t1"));
    const running = withToken(signal, backendAccepting("t1"));
    await vi.advanceTimersByTimeAsync(999);
    expect(drop).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await expect(running).resolves.toBe("the stream");
    expect(drop.mock.calls).toEqual([[crashed]]);
  });

  test("waits for a tab whose page takes longer to give a token, and for a call that takes longer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { port, tab } = playedTab();
    const { withToken, drop } = sessionOf(tab);
    let answer = (_value: string): void => {};
    const call = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const running = withToken(signal, call);
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    port().postMessage("asking");
    await waitForMessages(() => setTimer.mock.calls.length > 0);
    await vi.advanceTimersByTimeAsync(9_000);
    port().postMessage({ token: "t1" });
    await waitForMessages(() => call.mock.calls.length > 0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([drop.mock.calls, vi.getTimerCount()]).toEqual([[], 0]);
    answer("the stream");
    await expect(running).resolves.toBe("the stream");
  });

  test("tells the tab that its token counts, and closes the port of the request", async () => {
    const { port, tab } = playedTab();
    const running = sessionOf(tab).withToken(signal, backendAccepting("t1"));
    const heard: unknown[] = [];
    port().onmessage = ({ data }) => heard.push(data);
    const closed = new Promise((resolve) => port().addEventListener("close", resolve));
    port().postMessage({ token: "t1" });
    await expect(running).resolves.toBe("the stream");
    await closed;
    expect(heard).toEqual([true]);
  });

  test("calls nobody with a token that comes after the request was aborted, and keeps the tab", async () => {
    const { port, tab } = playedTab();
    const request = new AbortController();
    const call = backendAccepting("t1");
    const { withToken, drop } = sessionOf(tab);
    const running = withToken(request.signal, call);
    request.abort();
    port().postMessage({ token: "t1" });
    await expect(running).rejects.toBe(request.signal.reason);
    expect([call.mock.calls, drop.mock.calls]).toEqual([[], []]);
  });

  test("keeps a tab if the call fails for a reason other than the token", async () => {
    const { withToken, drop } = sessionOf(tabWith("t1"));
    const away = () => Promise.reject(new BackendResponseError(503, {}));
    await expect(withToken(signal, away)).rejects.toMatchObject({ status: 503 });
    expect(drop).not.toHaveBeenCalled();
  });
});

test("a tab that leaves the worker stops waiting for the result", async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const leaving = new AbortController();
  let isLastToken: boolean | undefined;
  const provideToken: GatewayClient["provideToken"] = async (_signal, isAccepted) => {
    isLastToken = await isAccepted("t1");
  };
  const lending = lendToken(port2, provideToken, leaving.signal);
  leaving.abort();
  await expect(lending).resolves.toBeUndefined();
  // The page is asked for no other token.
  expect(isLastToken).toBe(true);
});

test("a tab that goes on listens to nothing more of a loan that has ended", async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  port1.onmessage = ({ data }) => typeof data === "object" && port1.postMessage(true);
  const staying = new AbortController();
  const provideToken: GatewayClient["provideToken"] = async (_signal, isAccepted) => void (await isAccepted("t1"));
  await lendToken(port2, provideToken, staying.signal);
  expect(getEventListeners(staying.signal, "abort")).toEqual([]);
});
