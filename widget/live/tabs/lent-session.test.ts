import { expect, onTestFinished, test, vi } from "vitest";
import { BackendRefusal } from "../../../shared/protocol/rejection.ts";
import { createLentSession, type Lender, type LentSession } from "./lent-session.ts";
import { createLine } from "./line.ts";

const { signal } = new AbortController();
const refusal = new BackendRefusal(401, {});

/** A tab whose page gives these tokens, one after the other. */
function tabWith(...tokens: readonly string[]): Lender {
  async function lend(port: MessagePort): Promise<void> {
    const line = createLine(port);
    line.say({ isHere: true });
    for (const token of tokens) {
      line.say({ token });
      if ((await line.next(5_000))?.isTaken) break;
    }
    line.say({ isOver: true });
    await line.next(0);
    line.close();
  }
  return {
    postMessage(_message, [port]) {
      if (port instanceof MessagePort) void lend(port);
    },
  };
}

const CRASHED: Lender = { postMessage() {} };

function sessionOf(...lenders: readonly Lender[]): LentSession {
  const session = createLentSession();
  for (const lender of lenders) session.lenders.add(lender);
  return session;
}

/** A backend that takes this token alone. */
function takes(good: string) {
  return vi.fn((token: string | undefined) =>
    token === good ? Promise.resolve("the stream") : Promise.reject(refusal),
  );
}

test("calls with the token that a tab lends", async () => {
  const call = takes("t1");
  await expect(sessionOf(tabWith("t1")).run(signal, call)).resolves.toBe("the stream");
  expect(call.mock.calls).toEqual([["t1"]]);
});

test("asks the same tab for another token where one is refused, and then the next tab", async () => {
  const call = takes("t3");
  const refused = tabWith("t1", "t2");
  const good = tabWith("t3");
  const session = sessionOf(refused, good);
  await expect(session.run(signal, call)).resolves.toBe("the stream");
  expect(call.mock.calls).toEqual([["t1"], ["t2"], ["t3"]]);
  expect([...session.lenders]).toEqual([good]);
});

test("is refused where no tab has a token that holds, or there is no tab", async () => {
  await expect(sessionOf(tabWith("t1")).run(signal, takes("t2"))).rejects.toMatchObject({ status: 401 });
  await expect(sessionOf().run(signal, takes("t2"))).rejects.toMatchObject({ status: 401 });
});

test("drops a tab that says nothing", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const good = tabWith("t1");
  const session = sessionOf(CRASHED, good);
  const running = session.run(signal, takes("t1"));
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(running).resolves.toBe("the stream");
  expect([...session.lenders]).toEqual([good]);
});

test("keeps a tab whose token is not what the call fails by", async () => {
  const session = sessionOf(tabWith("t1"));
  const away = () => Promise.reject(new BackendRefusal(503, {}));
  await expect(session.run(signal, away)).rejects.toMatchObject({ status: 503 });
  expect(session.lenders.size).toBe(1);
});
