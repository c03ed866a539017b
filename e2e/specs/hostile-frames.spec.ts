/** Frames beside the widget's, inside the widget and in its place, which forge messages between page and widget. */
import type { Frame, Page } from "@playwright/test";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { ASK_123, AVAILABLE, connectorPage, expect, FULFILLED, openConnected, test } from "../fixtures/fixtures.ts";
import { readAlong } from "../fixtures/forged-messages.ts";
import { ATTACK, framingPage, type HostileAnswer, hostileWidget } from "../fixtures/hostile-pages.ts";

const FORGED = {
  type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
  payload: { userId: 123, status: "in_call", version: 9 },
} as const;

/** Adds a frame to the page, and returns the frame once it has loaded. */
async function addFrame(page: Page, src: string): Promise<Frame> {
  await page.evaluate(
    (address) =>
      new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.src = address;
        frame.addEventListener("load", resolve);
        document.body.append(frame);
      }),
    src,
  );
  const added = page.mainFrame().childFrames().at(-1);
  if (!added) throw new Error("The page has no frame");
  return added;
}

/** Sends a request with the id `real`, and records the events of the page's listeners and the connector's states. */
async function ask(page: Page): Promise<void> {
  await page.evaluate((event) => {
    const heardByListeners: unknown[] = [];
    const states: string[] = [];
    Object.assign(window, { heardByListeners, states, settled: undefined });
    window.connector.on("*", (heard) => heardByListeners.push(heard));
    window.connector.onStateChange((state) => states.push(state));
    const named = { ...event, meta: { id: "real" } };
    void window.connector.dispatch(named).then((settled) => Object.assign(window, { settled }));
  }, ASK_123);
}

/** Ids that a reply to `real` must have. */
async function readCallId(page: Page): Promise<unknown> {
  return page.evaluate(() => {
    const calls = Reflect.get(window, "posted").filter(({ type }: { type: string }) => type === "CALL");
    return calls.find(({ args }: { args: { meta?: { id?: string } }[] }) => args[0]?.meta?.id === "real").id;
  });
}

interface Forgery {
  /** Ids of the real reply. */
  readonly callId: unknown;
  readonly settlement: unknown;
}

/**
 * Script of a forging frame: every message that could settle the call, or open or close a connection, and a final
 * message.
 */
function forge({ callId, settlement }: Forgery): void {
  const base = { namespace: "penpal" };
  const target: Window = window.opener ?? window.top;
  const post = (message: unknown, ports: MessagePort[] = []): void => target.postMessage(message, "*", ports);
  const { port1, port2 } = new MessageChannel();
  const answers = [callId, "1", "2", "3", "real"].map((id) => ({
    ...base,
    type: "REPLY",
    callId: id,
    value: settlement,
  }));
  const announcement = { ...base, type: "CALL", id: "a", methodPath: ["post"], args: [{ type: "USER.FORGED" }] };
  // If the port were accepted, requests over it would be answered.
  port1.onmessage = ({ data }) => {
    port1.postMessage({ ...base, type: "REPLY", callId: data.id, value: settlement });
  };
  for (const message of [...answers, announcement, { ...base, type: "DESTROY" }, settlement]) post(message);
  // The lowest name and the highest, so that the forger takes part as follower and as leader.
  for (const participantId of ["!", "~~"]) post({ ...base, type: "SYN", participantId });
  post({ ...base, type: "ACK1", methodPaths: [["post"]] });
  post({ ...base, type: "ACK2" }, [port2]);
  for (const message of [...answers, announcement]) port1.postMessage(message);
  for (const message of answers) post(message);
  post("the last forgery");
}

/** Runs the forger in each window, and returns when the page has received every message. */
async function forgeFrom(page: Page, windows: readonly (Frame | Page)[], forgery: Forgery): Promise<void> {
  await page.evaluate(() => {
    document.title = "";
    addEventListener("message", ({ data }) => {
      if (data === "the last forgery") document.title += "+";
    });
  });
  for (const forger of windows) await forger.evaluate(forge, forgery);
  await expect(page).toHaveTitle("+".repeat(windows.length));
}

/** The forged events that the page has accepted: there must be none. */
const taken = (page: Page): Promise<unknown> =>
  page.evaluate(() => ({
    settled: Reflect.get(window, "settled"),
    heard: Reflect.get(window, "heardByListeners"),
    changes: Reflect.get(window, "states"),
  }));

test("forged handshakes, ports, settlements and announcements of sibling frames, of their children and of popups are ignored by the page", async ({
  page,
  host,
  backend,
  foreign,
}) => {
  await page.addInitScript(readAlong);
  await openConnected(page, host, backend.origin);
  const child = foreign.serve("<!doctype html>child");
  const sibling = await addFrame(page, foreign.serve(`<!doctype html><iframe src="${child}"></iframe>`));
  const ofTheWidgetsOrigin = await addFrame(page, `${backend.origin}/healthz`);
  const opening = page.waitForEvent("popup");
  await page.evaluate((address) => void window.open(address), child);
  const popup = await opening;
  await popup.waitForLoadState();
  backend.answerWith({ hangs: true });
  await ask(page);
  await expect.poll(() => backend.calls.length).toBe(1);
  const forgery = { callId: await readCallId(page), settlement: { ...FORGED, meta: { id: "real" } } };
  await forgeFrom(page, [sibling, ...sibling.childFrames(), ofTheWidgetsOrigin, popup], forgery);
  expect(await taken(page)).toEqual({ settled: undefined, heard: [], changes: [] });
  // The connection still works: the widget settles the next request.
  backend.answerWith(AVAILABLE);
  const other = { ...ASK_123, payload: { variables: { userId: 404 } } };
  expect(await page.evaluate((event) => window.connector.dispatch(event), other)).toMatchObject({
    payload: {
      error: { code: "INVALID_RESPONSE", message: expect.stringContaining("user 404 is about another user") },
    },
  });
});

test("control: the same forged settlement is accepted from the frame and the origin that the connector was given", async ({
  page,
  host,
  foreign,
}) => {
  const src = foreign.serve(
    hostileWidget("/penpal.js", `(event) => ({ ...${JSON.stringify(FORGED)}, meta: { id: event.meta.id } })`),
  );
  await page.goto(host.serve(connectorPage()));
  const settlement = await page.evaluate(([address, event]) => window.connect({ src: address }).dispatch(event), [
    src,
    ASK_123,
  ] as const);
  expect(settlement).toEqual(FORGED);
});

test("a settlement that a sibling frame replays is received once", async ({ page, host, backend, foreign }) => {
  await page.addInitScript(readAlong);
  await openConnected(page, host, backend.origin);
  const sibling = await addFrame(page, foreign.serve("<!doctype html>sibling"));
  await ask(page);
  const settlement = { ...FULFILLED, meta: { id: "real" } };
  const once = { settled: settlement, heard: [settlement], changes: [] };
  await expect.poll(() => taken(page)).toEqual(once);
  await forgeFrom(page, [sibling], { callId: await readCallId(page), settlement });
  expect(await taken(page)).toEqual(once);
});

test("the widget answers neither a sibling frame, nor its child, nor a frame of its own origin, listed or not; control: it answers the page", async ({
  page,
  host,
  foreign,
}) => {
  // The list has the origins of permitted pages; a frame of a listed origin beside the widget is not the page.
  const allowedOrigins = [host.origin, foreign.origin];
  const backend = await startScriptedBackend({ answers: AVAILABLE, allowedOrigins });
  await page.goto(host.serve(framingPage(`${backend.origin}/widget/`)));
  await expect(page).toHaveTitle("The frame has loaded");
  const child = foreign.serve(`<!doctype html><script>${ATTACK}</script>child`);
  const sibling = await addFrame(
    page,
    foreign.serve(`<!doctype html><script>${ATTACK}</script><iframe src="${child}"></iframe>`),
  );
  const ofTheWidgetsOrigin = await addFrame(page, `${backend.origin}/healthz`);
  await ofTheWidgetsOrigin.evaluate(ATTACK.replace("const heard", "var heard"));
  await page.frames()[1]?.evaluate(() => {
    addEventListener("message", ({ data, source }) => {
      if (data === "the last of the attack") source?.postMessage("the last of the widget", { targetOrigin: "*" });
    });
  });
  for (const frame of [sibling, ...sibling.childFrames(), ofTheWidgetsOrigin]) {
    await frame.evaluate("attack(top.frames[0])");
    await expect.poll(() => frame.evaluate("heard")).toEqual(["the last of the widget"]);
  }
  expect(backend.calls).toHaveLength(0);
  await page.evaluate("attack(frames[0])");
  await expect
    .poll(() => page.evaluate("heard"))
    .toContainEqual(expect.objectContaining({ type: "REPLY", callId: "over the port", value: FULFILLED }));
  await backend.close();
});

for (const who of ["the page", "the widget"] as const) {
  test(`a hostile page that ${who} navigates the widget's frame to is sent nothing, is not believed, and loses the frame again`, async ({
    page,
    host,
    backend,
    foreign,
  }) => {
    // The connector may remove the frame at any time, so the hostile page reports to the console.
    const answer: HostileAnswer = `(event) => {
      console.log("received", event);
      return { ...${JSON.stringify(FORGED)}, meta: { id: event.meta.id } };
    }`;
    const reporter = `<body><script>
      addEventListener("message", ({ data }) => console.log("received", data));
      console.log("started");
    </script>`;
    const hostile = foreign.serve(hostileWidget("/penpal.js", answer).replace("<body>", reporter));
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    await page.goto(host.serve(connectorPage()));
    await page.evaluate(async (src) => {
      // The connector leaves the intruder some seconds, in which the intruder could be sent something.
      window.connector = window.connect({ src, timeoutMs: 60_000, handshakeTimeoutMs: 20_000, retryDelayMs: 8_000 });
      await window.connector.ready;
    }, `${backend.origin}/widget/`);
    // A browser may end the call before the document: the lost widget calls once more, and an answer would settle the request.
    backend.answerWith({ hangs: true });
    await page.evaluate((event) => {
      Object.assign(window, { settled: window.connector.dispatch(event) });
    }, ASK_123);
    await expect.poll(() => backend.calls.length).toBe(1);
    await page.evaluate(() => Object.assign(window, { lost: document.querySelector("iframe") }));
    if (who === "the widget") {
      const widget = page.frames().find((frame) => frame.url().startsWith(backend.origin));
      await widget?.evaluate((address) => location.assign(address), hostile);
    } else {
      await page.evaluate((address) => document.querySelector("iframe")?.setAttribute("src", address), hostile);
    }
    await expect.poll(() => lines).toContain("started");
    backend.answerWith(AVAILABLE);
    expect(await page.evaluate(() => Reflect.get(window, "settled"))).toEqual(FULFILLED);
    // Asked of the page: the driver of Firefox has at times kept a frame on its list that the page had removed.
    expect(await page.evaluate(() => Reflect.get(window, "lost").isConnected)).toBe(false);
    expect(lines.filter((line) => line.startsWith("received"))).toEqual([]);
  });
}

test("the page posts to the widget's origin alone: a hostile page in the frame that sends a SYN receives nothing; control: in its rightful place it does", async ({
  page,
  host,
  backend,
  foreign,
}) => {
  const hostile = foreign.serve(hostileWidget("/penpal.js", "() => undefined"));
  const heardBy = async (src: string): Promise<readonly unknown[]> => {
    await page.goto(host.serve(connectorPage(`<iframe src="${hostile}"></iframe>`)));
    await page.evaluate(
      async ([address, event]) => {
        const [frame] = document.querySelectorAll("iframe");
        if (!frame) throw new Error("The page has no frame");
        const connector = window.connect({ src: address, frame, handshakeTimeoutMs: 500, retryDelayMs: 50 });
        await connector.dispatch(event);
        connector.destroy();
        frame.contentWindow?.postMessage("the last of the page", "*");
      },
      [src, ASK_123] as const,
    );
    const heard = (): Promise<unknown[]> => page.frames()[1]?.evaluate("heard") ?? Promise.resolve([]);
    await expect.poll(heard).toContain("the last of the page");
    return heard();
  };
  expect(await heardBy(`${backend.origin}/widget/`)).toEqual(["the last of the page"]);
  expect(await heardBy(hostile)).toContainEqual(expect.objectContaining({ namespace: "penpal", type: "SYN" }));
});
