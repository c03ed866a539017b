/** A session of a worker, which has no page to ask for a token: tabs lend it theirs, call by call. */
import { BackendRefusal } from "../../../shared/protocol/rejection.ts";
import type { Session } from "../../gateway/session.ts";
import { createLine, type Line } from "./line.ts";

/** How long a tab may take to say that it is there, in milliseconds. One that has crashed does not. */
const PRESENCE_MS = 1_000;

/** How long its page may take to give a token, in milliseconds: it is given 5 s, and may be asked by others already. */
const TOKEN_MS = 10_000;

/** Who can be asked to lend a token: a port to a tab, whose messages carry lines. */
export interface Lender {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

export interface LentSession extends Session {
  readonly lenders: Set<Lender>;
}

/** Creates a session that nobody lends to yet. */
export function createLentSession(): LentSession {
  const lenders = new Set<Lender>();

  return {
    lenders,
    forget: () => lenders.clear(),
    async run(signal, call) {
      for (const lender of lenders) {
        const { port1, port2 } = new MessageChannel();
        lender.postMessage({ type: "lend" }, [port2]);
        const line = createLine(port1);
        try {
          const borrowed = await borrow(line, signal, call);
          if (borrowed) return borrowed.value;
        } finally {
          line.close();
        }
        // Its tab has gone, or its page has no token that holds.
        lenders.delete(lender);
      }
      throw new BackendRefusal(401, { title: "No tab has a token that holds" });
    },
  };
}

/** Calls with one tab's tokens. `undefined` where none holds, or the tab is not there. */
async function borrow<Value>(
  line: Line,
  signal: AbortSignal,
  call: (token: string | undefined) => Promise<Value>,
): Promise<{ readonly value: Value } | undefined> {
  for (let said = await line.next(PRESENCE_MS); said?.isOver !== true; said = await line.next(TOKEN_MS)) {
    if (!said) return undefined;
    if (said.isHere) continue;
    signal.throwIfAborted();
    try {
      const value = await call(said.token);
      line.say({ isTaken: true });
      return { value };
    } catch (error) {
      const isRefused = error instanceof BackendRefusal && error.status === 401;
      line.say({ isTaken: !isRefused });
      if (!isRefused) throw error;
    }
  }
  return undefined;
}
