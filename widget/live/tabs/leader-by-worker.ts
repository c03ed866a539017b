/**
 * An election that a shared worker wins: it outlives each of its tabs, and needs no handing over. It takes part as a tab does, by the
 * same locks and messages; tabs keep to the background while it is there.
 */
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { Election, OpenElection } from "./election.ts";
import { createLine } from "./line.ts";

/** What is used of a `SharedWorker`. */
export interface StreamWorker {
  readonly port: Pick<MessagePort, "onmessage" | "postMessage" | "close">;
  onerror: ((event: ErrorEvent) => unknown) | null;
}

export interface WorkerElectionOptions {
  readonly openWorker: (name: string) => StreamWorker;
  readonly apiBase: string;
  readonly lend: GatewayClient["lend"];
  /** What decides where there is no worker. */
  readonly openFallback: OpenElection;
}

/** How long the worker may take with a token, in milliseconds: longer than the browser waits for a backend. */
const VERDICT_MS = 300_000;

/** Creates an election that leaves it to a worker to lead. */
export function createWorkerElection(options: WorkerElectionOptions): OpenElection {
  const { openWorker, apiBase, lend, openFallback } = options;
  return (group): Election => {
    const fallback = openFallback(group);
    const leaving = new AbortController();
    let worker: StreamWorker | undefined;

    async function lendToken(port: MessagePort): Promise<void> {
      const line = createLine(port);
      line.say({ isHere: true });
      await lend(leaving.signal, async (token) => {
        line.say({ token });
        return (await line.next(VERDICT_MS))?.isTaken === true;
      }).catch(() => {
        // Whatever it is that keeps the page from giving a token, the worker asks another tab.
      });
      line.say({ isOver: true });
    }

    function connect(): StreamWorker {
      const opened = openWorker(group.name);
      // Where the storage of third parties is blocked, it is an error that says so.
      opened.onerror = () => fallback.stand();
      opened.port.onmessage = ({ ports: [line] }) => void (line && lendToken(line));
      opened.port.postMessage({ type: "join", apiBase });
      return opened;
    }

    return {
      ...fallback,
      stand() {
        // Whoever has led before, and leads no more, has shown that it cannot.
        if (worker) {
          fallback.stand();
          return;
        }
        try {
          worker = connect();
        } catch {
          // Firefox refuses one to a frame whose cookies are blocked.
          fallback.stand();
        }
      },
      leave() {
        leaving.abort();
        worker?.port.postMessage({ type: "leave" });
        worker?.port.close();
        fallback.leave();
      },
    };
  };
}
