/** The host's page and what is asked on it, for every runner of tests. */
import type { Connector, connect } from "../host/index.ts";
import type { ScriptedAnswer } from "./scripted-backend.ts";

declare global {
  interface Window {
    /** `connect` of the built package, on pages made by `connectorPage`. */
    connect: typeof connect;
    /** The connector that a test works with. */
    connector: Connector;
    /** The widget's `post`, on the plain penpal page. */
    post(event: unknown): Promise<unknown>;
  }
}

/** Agent 123 is available. */
export const AVAILABLE = {
  status: 200,
  body: { userId: 123, status: "available", version: 7 },
} as const satisfies ScriptedAnswer;

/** The seed's example. */
export const ASK_123 = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;

/** How `ASK_123` fulfils while the backend answers with `AVAILABLE`. */
export const FULFILLED = { type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: AVAILABLE.body } as const;

/** A page that has the built package's `connect` as a global. A nonce lets its inline scripts pass a strict policy. */
export function connectorPage(body = "", nonce = ""): string {
  return `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,">
    <script type="module" nonce="${nonce}">import { connect } from "/dist/index.js"; window.connect = connect;</script>
    </head><body>${body}</body></html>`;
}
