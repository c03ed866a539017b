/** The page of the soak: actions that are repeated and should leave no objects behind. */
import { connect as connectBare, WindowMessenger } from "penpal";
import { type Connector, connect } from "../../../host/index.ts";

declare global {
  interface Window {
    readonly soak: typeof soak;
  }
}

/** Number of concurrent requests on the long-lived connector. */
const TOGETHER = 100;

/** Several requests for one agent share a call to the backend. */
const AGENTS = 10;

let lasting: Connector | undefined;

const soak = {
  /** connect → 10 requests → destroy. */
  async connectAndDestroy(times: number, src: string): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      const connector = connect({ src });
      await ask(connector, 10);
      connector.destroy();
    }
  },

  /** Requests on one connector. */
  async ask(times: number, src: string): Promise<void> {
    lasting ??= connect({ src });
    for (let asked = 0; asked < times; asked += TOGETHER) await ask(lasting, Math.min(TOGETHER, times - asked));
  },

  /** The page removes the frame and drops its reference to the connector. */
  async forget(times: number, src: string): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      // A pending heartbeat keeps the connector alive a moment longer.
      await connect({ src, heartbeatMs: 100 }).ready;
      document.querySelector("iframe")?.remove();
    }
  },

  /** The same with bare penpal. */
  async forgetBare(times: number, src: string): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      const frame = appendFrame(src);
      if (!frame.contentWindow) throw new Error("The frame has no window");
      const messenger = new WindowMessenger({
        remoteWindow: frame.contentWindow,
        allowedOrigins: [new URL(src).origin],
      });
      await connectBare({ messenger }).promise;
      frame.remove();
    }
  },
};

async function ask(connector: Connector, times: number): Promise<void> {
  const asked = Array.from({ length: times }, (_, index) =>
    connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 101 + (index % AGENTS) } }),
  );
  await Promise.all(asked);
}

function appendFrame(src: string): HTMLIFrameElement {
  const frame = document.createElement("iframe");
  frame.src = src;
  frame.hidden = true;
  document.body.append(frame);
  return frame;
}

Object.assign(window, { soak });
