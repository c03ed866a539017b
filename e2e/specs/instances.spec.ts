/** Several connectors on a page, and a connector that is made twice: one frame per connector, and no crosstalk. */
import type { Page } from "@playwright/test";
import { ASK_123, collectErrors, connectorPage, expect, FULFILLED } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

/** Counts the page's connections to widgets, of all copies of the package. */
const neighbours = (page: Page): Promise<number> =>
  page.evaluate(() => Reflect.get(window, Symbol.for("availability-bridge.neighbours"))?.size ?? 0);

/** A React component below `StrictMode`, which mounts, unmounts and mounts it again. */
const reactPage = (src: string): string => `<!doctype html><html lang="en"><head><title>-</title>
  <link rel="icon" href="data:,">
  <script src="/react.js"></script><script src="/react-dom.js"></script>
  <script type="module">
    import { connect } from "/dist/index.js";
    const { createElement, StrictMode, useEffect, useRef, useState } = React;
    window.settlements = [];
    function Phone() {
      const container = useRef(null);
      const [status, setStatus] = useState("…");
      useEffect(() => {
        const connector = connect({ src: ${JSON.stringify(src)}, container: container.current });
        connector.on("*", (settlement) => window.settlements.push(settlement));
        connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }).then(
          (availability) => setStatus(availability.status),
          () => {},
        );
        return () => connector.destroy();
      }, []);
      return createElement("p", null, createElement("span", { role: "status" }, status), createElement("b", { ref: container }));
    }
    window.root = ReactDOM.createRoot(document.querySelector("#root"));
    window.root.render(createElement(StrictMode, null, createElement(Phone)));
  </script></head><body><div id="root"></div></body></html>`;

test("React's StrictMode mounts twice: one frame stays, one request fulfils, and unmounting leaves nothing", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(reactPage(`${backend.origin}/widget/`)));
  await expect(page.getByRole("status")).toHaveText("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(await neighbours(page)).toBe(1);
  const settlements = await page.evaluate(() => Reflect.get(window, "settlements"));
  expect(settlements).toMatchObject([
    { type: "API.FETCH_USER_AVAILABILITY_REJECTED", payload: { error: { code: "CONNECTION_CLOSED" } } },
    FULFILLED,
  ]);
  expect(backend.calls).toHaveLength(1);
  await page.evaluate(() => Reflect.get(window, "root").unmount());
  await expect(page.locator("iframe")).toHaveCount(0);
  expect(await neighbours(page)).toBe(0);
});

test("connect() twice for one container: two frames, of which each goes with its own connector", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(connectorPage('<div id="container"></div>')));
  const ask = (name: "first" | "second"): Promise<unknown> =>
    page.evaluate(([key, event]) => Reflect.get(window, key).dispatch(event), [name, ASK_123] as const);
  await page.evaluate((src) => {
    const container = document.querySelector("#container");
    if (!container) throw new Error("The page has no container");
    Object.assign(window, { first: window.connect({ src, container }), second: window.connect({ src, container }) });
  }, `${backend.origin}/widget/`);
  expect(await Promise.all([ask("first"), ask("second")])).toEqual([FULFILLED, FULFILLED]);
  await expect(page.locator("#container > iframe")).toHaveCount(2);
  await page.evaluate(() => Reflect.get(window, "first").destroy());
  await expect(page.locator("#container > iframe")).toHaveCount(1);
  expect(await ask("second")).toEqual(FULFILLED);
});

test("ten connectors: ten frames, and each receives only its own settlements, also when other connectors are destroyed", async ({
  page,
  host,
  gateway,
}) => {
  await page.goto(host.serve(connectorPage()));
  const outcome = await page.evaluate(async (src) => {
    const userIds = Array.from({ length: 10 }, (_, at) => 101 + at);
    const desks = userIds.map((userId) => {
      const connector = window.connect({ src });
      const heard: unknown[] = [];
      connector.on("*", ({ payload }) => heard.push(Reflect.get(Object(payload), "userId")));
      // The same id in every connector: only the connection distinguishes the settlements.
      const event = {
        type: "API.FETCH_USER_AVAILABILITY",
        payload: { variables: { userId } },
        meta: { id: "same" },
      } as const;
      return { connector, heard, ask: () => connector.dispatch(event) };
    });
    const countFrames = (): number => document.querySelectorAll("iframe").length;
    await Promise.all(desks.map(({ ask }) => ask()));
    const atFirst = countFrames();
    const [odd, even] = [desks.filter((_, at) => at % 2 === 1), desks.filter((_, at) => at % 2 === 0)];
    for (const { connector } of odd) connector.destroy();
    await Promise.all(even.map(({ ask }) => ask()));
    return { frames: [atFirst, countFrames()], heard: desks.map(({ heard }) => heard) };
  }, `${gateway.origin}/widget/`);
  expect(outcome).toEqual({
    frames: [10, 5],
    heard: [[101, 101], [102], [103, 103], [104], [105, 105], [106], [107, 107], [108], [109, 109], [110]],
  });
});

const html = (head: string, body = ""): string =>
  `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;

const ASK = `(window.availabilityBridge ||= []).push(async (connector) => {
  const { status } = await connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
  document.title += "+" + status;
});`;

test("the script tag twice: one frame, one connector, and each callback is called once", async ({
  page,
  host,
  backend,
}) => {
  const errors = collectErrors(page);
  const tag = `<script async src="${backend.origin}/embed.js"></script><script>${ASK}</script>`;
  await page.goto(host.serve(html(tag + tag)));
  await expect(page).toHaveTitle("-+available+available");
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(await neighbours(page)).toBe(1);
  expect(errors).toEqual([]);
});

test("connectors in two shadow roots: a frame in each, and each is answered", async ({ page, host, gateway }) => {
  await page.goto(host.serve(connectorPage('<div id="left"></div><div id="right"></div>')));
  const answered = await page.evaluate(async (src) => {
    const ask = async (place: string, userId: number): Promise<unknown> => {
      const root = document.querySelector(place)?.attachShadow({ mode: "closed" });
      const container = document.createElement("div");
      root?.append(container);
      const availability = await window
        .connect({ src, container })
        .request("API.FETCH_USER_AVAILABILITY", { variables: { userId } });
      return [availability.userId, root?.querySelectorAll("iframe").length];
    };
    return Promise.all([ask("#left", 101), ask("#right", 102)]);
  }, `${gateway.origin}/widget/`);
  expect(answered).toEqual([
    [101, 1],
    [102, 1],
  ]);
  expect(await neighbours(page)).toBe(2);
});

const shadowTags = (src: string): string =>
  ["left", "right"]
    .map(
      (id) => `<div id="${id}"></div><script>{
        const script = document.createElement("script");
        script.src = "${src}";
        document.querySelector("#${id}").attachShadow({ mode: "open" }).append(script);
      }</script>`,
    )
    .join("");

test("the script tag in two shadow roots beside the document's own is harmless", async ({ page, host, backend }) => {
  const errors = collectErrors(page);
  const src = `${backend.origin}/embed.js`;
  await page.goto(host.serve(html(`<script src="${src}"></script>`, `${shadowTags(src)}<script>${ASK}</script>`)));
  await expect(page).toHaveTitle("-+available");
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(await neighbours(page)).toBe(1);
  expect(errors).toEqual([]);
});

test("the script tag in two shadow roots alone names the right place, and mounts nothing", async ({
  page,
  host,
  backend,
}) => {
  const errors = collectErrors(page);
  await page.goto(host.serve(html("", shadowTags(`${backend.origin}/embed.js`))));
  const message = "embed.js: expected to be loaded by <script src> in the document, not as a module and not inline";
  await expect.poll(() => errors).toEqual([message, message]);
  await expect(page.locator("iframe")).toHaveCount(0);
});
