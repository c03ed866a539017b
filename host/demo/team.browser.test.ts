import { afterEach, expect, test } from "vitest";
import type { Envelope } from "../../shared/protocol/envelope.ts";
import type { ConnectionEvents } from "../connection/frame-connection.ts";
import type { Connector } from "../connector.ts";
import { createConnector } from "../create-connector.ts";
import { showTeam } from "./team.ts";

const MARKUP = `
  <section id="team"><p id="team-note"></p><p id="team-count"></p><ul id="team-list"></ul></section>
  <template id="team-row"><li><b data-part="name"></b><i data-part="id"></i><span data-part="badge"></span></li></template>`;

const IDRIS = { userId: 123, status: "available", version: 1 };
const FETCH = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;

interface Page {
  readonly connector: Connector;
  /** Delivers an announcement of the widget. */
  announce(event: Envelope): unknown;
  /** Rejection of all further requests; `undefined` to fulfil requests. */
  rejection: object | undefined;
  /** Returns the card's style. */
  look(): string | undefined;
}

/** Creates a page with a team of a single agent, and a scripted widget. */
async function setUp(): Promise<Page> {
  document.body.innerHTML = MARKUP;
  let user: ConnectionEvents | undefined;
  const connector = createConnector({
    open(events) {
      user = events;
      return {
        post: (event) => Promise.resolve(answer(event)),
        detectFrameMove() {},
        ensureConnecting() {},
        close() {},
      };
    },
    registration: { origin: "", appName: "", release: "" },
    unavailable: "",
    timeouts: { timeoutMs: 10_000, handshakeTimeoutMs: 10_000 },
    onDestroy() {},
  });
  const page: Page = {
    connector,
    announce: (event) => user?.receive(event),
    rejection: undefined,
    look: () => document.querySelector<HTMLElement>("#team")?.dataset["look"],
  };
  function answer(event: unknown): unknown {
    const { type, meta } = Object(event);
    return page.rejection
      ? { type: `${type}_REJECTED`, ...page.rejection, meta: { ...Object(page.rejection).meta, ...meta } }
      : { type: `${type}_FULFILLED`, payload: type.startsWith("API.FETCH") ? { 123: IDRIS } : undefined, meta };
  }
  showTeam(connector);
  user?.onConnected();
  await expect.poll(page.look).toBe("ready");
  return page;
}

afterEach(() => document.body.replaceChildren());

test("shows the end of the session, and is live again after the next announcement", async () => {
  const page = await setUp();
  await page.announce({ type: "AUTH.SESSION_EXPIRED" });
  expect(page.look()).toBe("expired");
  await page.announce({ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload: IDRIS });
  expect(page.look()).toBe("ready");
});

test("is not live while the backend rejects the page's token", async () => {
  const page = await setUp();
  page.rejection = { payload: { error: { status: 401 } }, meta: { source: "backend", status: 401 } };
  await page.connector.dispatch(FETCH);
  expect(page.look()).toBe("expired");
  page.rejection = { payload: { error: { status: 404 } }, meta: { source: "backend", status: 404 } };
  await page.connector.dispatch(FETCH);
  expect(page.look()).toBe("ready");
});
