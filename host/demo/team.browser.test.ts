import { afterEach, expect, test } from "vitest";
import type { Envelope } from "../../shared/protocol/envelope.ts";
import type { Connector } from "../connector.ts";
import { createConnector } from "../create-connector.ts";
import { REGISTERED } from "../test-connector.ts";
import { showTeam } from "./team.ts";

const MARKUP = `
  <section id="team"><p id="team-note"></p><p id="team-count"></p><ul id="team-list"></ul></section>
  <template id="team-row"><li><b data-part="name"></b><i data-part="id"></i><span data-part="badge"></span></li></template>`;

const IDRIS = { userId: 123, status: "available", version: 1 };
const WRAP_UP_MS = 2_000;
const TEAM = {
  123: IDRIS,
  124: { userId: 124, status: "available", version: 1, wrapUpTimeConfig: 30, wrapUpTimeTtl: WRAP_UP_MS / 1_000 },
};
const FETCH = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;

interface Page {
  readonly connector: Connector;
  /** Delivers an announcement of the widget. */
  announce(event: Envelope): unknown;
  /** Rejection of all further requests; `undefined` to fulfil requests. */
  rejection: object | undefined;
  /** Returns the card's style. */
  look(): string | undefined;
  /** Returns the line that says how many agents can be called. */
  count(): string | null | undefined;
}

/** Creates a page with a scripted widget and a team of two agents. One of the agents wraps up. */
async function setUp(): Promise<Page> {
  document.body.innerHTML = MARKUP;
  let user: { receive(event: unknown): unknown; onConnected(): void } | undefined;
  const connector = createConnector(
    (_clock, receive, _getNeed, onConnected) => {
      user = { receive, onConnected };
      return {
        post: (event) => Promise.resolve(answer(event)),
        checkFrame() {},
        connect() {},
        close() {},
      };
    },
    { origin: "", appName: "", release: "" },
    "",
    () => "",
    { timeoutMs: 10_000, handshakeTimeoutMs: 10_000 },
    undefined,
    () => {},
  );
  const page: Page = {
    connector,
    announce: (event) => user?.receive(event),
    rejection: undefined,
    look: () => document.querySelector<HTMLElement>("#team")?.dataset["look"],
    count: () => document.querySelector("#team-count")?.textContent,
  };
  function answer(event: unknown): unknown {
    const { type, meta } = Object(event);
    return page.rejection
      ? { type: `${type}_REJECTED`, ...page.rejection, meta: { ...Object(page.rejection).meta, ...meta } }
      : { type: `${type}_FULFILLED`, payload: type === "BUS.REGISTER" ? REGISTERED : TEAM, meta };
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

test("counts the agents who can be called, also without a badge that follows them, and after a wrap-up time", async () => {
  const page = await setUp();
  const counts: unknown[] = [page.count()];
  const observer = new MutationObserver(() => counts.push(page.count()));
  observer.observe(document, { subtree: true, childList: true });
  // The end of the wrap-up time comes without an event.
  await expect.poll(page.count, { timeout: 10 * WRAP_UP_MS }).toBe("2 of 2 can take a call");
  observer.disconnect();
  expect(counts).toContain("1 of 2 can take a call");
  await page.announce({
    type: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    payload: { ...IDRIS, status: "in_call", version: 2 },
  });
  expect(page.count()).toBe("1 of 2 can take a call");
  await page.announce({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 50_000 } });
  expect(page.count()).toBe("0 of 2 can take a call");
});
