/** Attacks by other frames of the page, over the built files, in WebKit. */
import { expect, onTestFinished } from "vitest";
import { postForgedMessages } from "../fixtures/forged-messages.ts";
import { ASK_123, AVAILABLE } from "../fixtures/host-page.ts";
import { startHostSite } from "../fixtures/host-site.ts";
import { ask, openConnected, test } from "./test.ts";
import type { DrivenPage } from "./webdriver.ts";

/** Records the connector's last posted message. Runs before the connector posts. */
const EAVESDROP = `<script>
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (message, ...rest) {
    window.lastCall = message;
    Reflect.apply(postMessage, this, [message, ...rest]);
  };
</script>`;

/** Adds an iframe as the page's second. */
async function addFrame(page: DrivenPage, address: string): Promise<void> {
  await page.evaluate(async (src) => {
    const frame = document.createElement("iframe");
    frame.src = src;
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
    document.body.append(frame);
    await loaded;
  }, address);
}

for (const [who, whose] of [
  ["a frame of the widget's own origin", "widget"],
  ["a frame of a foreign origin", "foreign"],
] as const) {
  test(`forged settlements and handshakes of ${who} settle nothing`, async ({ page, host, backend }) => {
    const foreign = await startHostSite();
    onTestFinished(foreign.close);
    await openConnected(page, host, backend.origin, EAVESDROP);
    await addFrame(page, whose === "widget" ? `${backend.origin}/healthz` : foreign.serve("<!doctype html>foreign"));
    backend.answerWith({ hangs: true });
    await ask(page, 20_000);
    await expect.poll(() => backend.calls.length).toBe(1);
    const call = await page.evaluate((): unknown => Reflect.get(window, "lastCall"));
    expect(call).toMatchObject({ type: "CALL", id: expect.anything() });
    await page.evaluate(() => {
      document.title = "";
      addEventListener("message", () => {
        document.title += "+";
      });
    });
    await page.evaluateInFrame(1, postForgedMessages, Reflect.get(Object(call), "id"));
    await expect.poll(() => page.title()).toBe("++++++");
    // Still unsettled after every forged message has arrived: only the abort settles the request.
    const settlement = await page.evaluate(() => {
      window.inFlight.abort();
      return window.inFlight.settled;
    });
    expect(settlement).toMatchObject({ payload: { error: { code: "ABORTED" } }, meta: { id: "real" } });
    backend.answerWith(AVAILABLE);
    expect(await page.evaluate((event) => window.connector.dispatch(event), ASK_123)).toMatchObject({
      type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
      payload: { userId: 123 },
    });
  });
}
