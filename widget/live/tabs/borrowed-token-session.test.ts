import { expect, onTestFinished, test, vi } from "vitest";
import { BackendResponseError } from "../../../shared/protocol/rejection.ts";
import {
  type BorrowedTokenSession,
  createBorrowedTokenSession,
  type TokenProviderPort,
} from "./borrowed-token-session.ts";
import { createTokenChannel } from "./token-channel.ts";

const { signal } = new AbortController();
const refusal = new BackendResponseError(401, {});

/** A tab with a page that gives these tokens in turn. */
function tabWith(...tokens: readonly string[]): TokenProviderPort {
  async function provideToken(port: MessagePort): Promise<void> {
    const channel = createTokenChannel(port);
    channel.send({ isPresent: true });
    for (const token of tokens) {
      channel.send({ token });
      if ((await channel.receive(5_000))?.isAccepted) break;
    }
    channel.send({ isDone: true });
    await channel.receive(0);
    channel.close();
  }
  return {
    postMessage(_message, [port]) {
      if (port instanceof MessagePort) void provideToken(port);
    },
  };
}

const CRASHED: TokenProviderPort = { postMessage() {} };

function sessionOf(...providers: readonly TokenProviderPort[]): BorrowedTokenSession {
  const session = createBorrowedTokenSession();
  for (const provider of providers) session.providers.add(provider);
  return session;
}

/** A backend that accepts only this token. */
function backendAccepting(good: string) {
  return vi.fn((token: string | undefined) =>
    token === good ? Promise.resolve("the stream") : Promise.reject(refusal),
  );
}

test("calls with the token of a tab", async () => {
  const call = backendAccepting("t1");
  await expect(sessionOf(tabWith("t1")).withToken(signal, call)).resolves.toBe("the stream");
  expect(call.mock.calls).toEqual([["t1"]]);
});

test("asks the same tab for another token after a 401, and then the next tab", async () => {
  const call = backendAccepting("t3");
  const refused = tabWith("t1", "t2");
  const good = tabWith("t3");
  const session = sessionOf(refused, good);
  await expect(session.withToken(signal, call)).resolves.toBe("the stream");
  expect(call.mock.calls).toEqual([["t1"], ["t2"], ["t3"]]);
  expect([...session.providers]).toEqual([good]);
});

test("rejects with 401 if no tab has a valid token, or there is no tab", async () => {
  await expect(sessionOf(tabWith("t1")).withToken(signal, backendAccepting("t2"))).rejects.toMatchObject({
    status: 401,
  });
  await expect(sessionOf().withToken(signal, backendAccepting("t2"))).rejects.toMatchObject({ status: 401 });
});

test("removes a tab that does not respond", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const good = tabWith("t1");
  const session = sessionOf(CRASHED, good);
  const running = session.withToken(signal, backendAccepting("t1"));
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(running).resolves.toBe("the stream");
  expect([...session.providers]).toEqual([good]);
});

test("keeps a tab if the call fails for a reason other than the token", async () => {
  const session = sessionOf(tabWith("t1"));
  const away = () => Promise.reject(new BackendResponseError(503, {}));
  await expect(session.withToken(signal, away)).rejects.toMatchObject({ status: 503 });
  expect(session.providers.size).toBe(1);
});
