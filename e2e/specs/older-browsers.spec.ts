/**
 * The oldest supported browsers without a build in any package: a browser of today without the interfaces missing in
 * MDN's data. Syntax is the build's part. `npm run test:browsers` uses real Chromiums of these years.
 */
import type { Connector } from "../../host/index.ts";
import { expect } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/live-page.ts";

/** Members in the page's and the widget's files that the browser lacks, by owner. The owner of globals is the window. */
const LACKS: Readonly<Record<string, readonly (readonly [owner: string, names: string])[]>> = {
  "Firefox 91": [
    ["", "reportError structuredClone CompressionStream TextDecoderStream TransformStream WritableStream SharedWorker"],
    ["AbortSignal", "any timeout"],
    ["AbortSignal.prototype", "reason throwIfAborted"],
    ["CSSStyleSheet.prototype", "replaceSync"],
    ["Crypto.prototype", "randomUUID"],
    ["Document.prototype", "adoptedStyleSheets"],
    ["Navigator.prototype", "locks userActivation"],
    ["Object", "hasOwn"],
    ["ReadableStream.prototype", "pipeThrough pipeTo"],
  ],
  // Its shared workers accept modules.
  "Firefox ESR 115": [
    ["", "SharedWorker"],
    ["AbortSignal", "any"],
    ["Navigator.prototype", "userActivation"],
  ],
  "Safari 15.4": [
    ["", "SharedWorker"],
    ["AbortSignal", "any timeout"],
    ["CSSStyleSheet.prototype", "replaceSync"],
    ["Document.prototype", "adoptedStyleSheets"],
    ["Navigator.prototype", "userActivation"],
  ],
};

for (const [browser, lacks] of Object.entries(LACKS)) {
  test(`a page in ${browser}, as far as interfaces go: a request, its abort and its rejection, a badge, and a watch through a change @once`, async ({
    page,
    host,
    live,
  }) => {
    await page.addInitScript((missing) => {
      for (const [path, names] of missing) {
        const owner = path.split(".").reduce((found, name) => (name ? Reflect.get(found, name) : found), globalThis);
        for (const name of names.split(" ")) Reflect.deleteProperty(owner, name);
      }
    }, lacks);
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    await live.agents.set(123, { status: "available" });
    await page.goto(
      host.serve(
        `<!doctype html><title>Host</title><link rel="icon" href="data:,"><script async src="${live.origin}/embed.js"></script>
        <availability-badge user-id="123"></availability-badge>`,
      ),
    );
    const answers = await page.evaluate(async () => {
      const connector = await new Promise<Connector>((resolve) => {
        (window.availabilityBridge ??= []).push(resolve);
      });
      Object.assign(window, { heard: [], statuses: [] });
      connector.watch(123, ({ status }) => Reflect.get(window, "heard").push(status), {
        onStatus: ({ status }) => Reflect.get(window, "statuses").push(status),
      });
      const read = (userId: number, signal?: AbortSignal) =>
        connector
          .request("API.FETCH_USER_AVAILABILITY", { variables: { userId } }, signal && { signal })
          .then(({ status }) => status)
          .catch((error: { name: string; code?: string | number; status?: number }) =>
            String(error.status ?? error.code ?? error.name),
          );
      const controller = new AbortController();
      const aborted = read(123, controller.signal);
      controller.abort();
      return [await read(123), await read(404), await aborted];
    });
    expect(answers.slice(0, 2)).toEqual(["available", "404"]);
    // A signal without a reason leaves the connector's own error.
    expect(["20", "AbortError", "ABORTED"]).toContain(answers[2]);
    const shown = () => page.evaluate(() => document.querySelector("availability-badge")?.shadowRoot?.textContent);
    await expect.poll(shown).toBe("Available");
    const read = (name: string) => page.evaluate((key) => Reflect.get(window, key), name);
    // The stream is open when the gateway has it, and the change after it comes by it alone.
    await expect.poll(live.openStreams).toBe(1);
    await live.agents.set(123, { status: "out_for_lunch" });
    await expect.poll(() => read("heard")).toEqual(["available", "out_for_lunch"]);
    await expect.poll(shown).toBe("Out for lunch");
    await expect.poll(() => read("statuses")).toEqual(["live"]);
    expect(complaints).toEqual([]);
  });
}
