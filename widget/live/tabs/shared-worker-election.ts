/**
 * Elects a shared worker as the leader: the worker outlives each of its tabs, so leadership needs no handover. The
 * worker takes part like a tab, by the same locks and messages. The tabs stay in the background meanwhile.
 */
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { LeaderElection, OpenLeaderElection } from "./leader-election.ts";
import { createTokenChannel } from "./token-channel.ts";

/** The parts of `SharedWorker` in use. */
export interface StreamWorker {
  readonly port: Pick<MessagePort, "onmessage" | "postMessage" | "close">;
  onerror: ((event: ErrorEvent) => unknown) | null;
}

export interface SharedWorkerElectionOptions {
  readonly openWorker: (name: string) => StreamWorker;
  readonly apiBase: string;
  readonly provideToken: GatewayClient["provideToken"];
  /** The election without a worker. */
  readonly openFallback: OpenLeaderElection;
}

/**
 * Timeout for the worker's result with a token, in milliseconds: longer than the browser's own timeout for the backend.
 */
const ACCEPT_TIMEOUT_MS = 300_000;

/** Creates an election that lets a worker lead. */
export function createSharedWorkerElection(options: SharedWorkerElectionOptions): OpenLeaderElection {
  const { openWorker, apiBase, provideToken, openFallback } = options;
  return (group): LeaderElection => {
    const fallback = openFallback(group);
    const abortController = new AbortController();
    let worker: StreamWorker | undefined;

    async function sendToken(port: MessagePort): Promise<void> {
      const channel = createTokenChannel(port);
      channel.send({ isPresent: true });
      await provideToken(abortController.signal, async (token) => {
        channel.send({ token });
        return (await channel.receive(ACCEPT_TIMEOUT_MS))?.isAccepted === true;
      }).catch(() => {
        // The page failed to give a token: the worker asks another tab.
      });
      channel.send({ isDone: true });
    }

    function connect(): StreamWorker {
      const opened = openWorker(group.name);
      // Browsers report blocked third-party storage by this event.
      opened.onerror = () => fallback.requestLeadership();
      opened.port.onmessage = ({ ports: [channel] }) => void (channel && sendToken(channel));
      opened.port.postMessage({ type: "join", apiBase });
      return opened;
    }

    return {
      ...fallback,
      requestLeadership() {
        // The worker has led and no longer leads, so a worker cannot lead here.
        if (worker) {
          fallback.requestLeadership();
          return;
        }
        try {
          worker = connect();
        } catch {
          // Firefox throws for a frame with blocked cookies.
          fallback.requestLeadership();
        }
      },
      close() {
        abortController.abort();
        worker?.port.postMessage({ type: "leave" });
        worker?.port.close();
        fallback.close();
      },
    };
  };
}
