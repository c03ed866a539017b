/** Pages that replace their body, or parts of it, without a load: by Turbo, htmx, Astro, morphs and React. */
import type { Page } from "@playwright/test";
import type { LiveGateway } from "../../gateway/test/live-gateway.ts";
import { AVAILABLE, expect, stopClock } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/live-page.ts";

// Generous, because each page starts several sites, and a widget at each replacement of the page.
test.describe.configure({ timeout: 90_000 });

/** A page with the script tag, the badge of agent 1 and the given parts. Each page has a different title. */
function html(title: string, { origin }: { readonly origin: string }, { head = "", body = "", settings = "" }): string {
  return `<!doctype html><html lang="en"><head><title>${title}</title><link rel="icon" href="data:,">${head}
    <script async src="${origin}/embed.js" ${settings}></script></head>
    <body><h1>${title}</h1><availability-badge user-id="1"></availability-badge>${body}</body></html>`;
}

/** The widget in an element of the page, or invisible. */
const WIDGETS = [
  ["in the container", { settings: 'data-container="#phone"', body: '<div id="phone"></div>' }, "#phone > iframe"],
  ["invisible", {}, "body > iframe"],
] as const;

/** Changes the agent, and waits until the badge shows the change. */
async function expectFollows(page: Page, live: LiveGateway, status: "available" | "in_call"): Promise<void> {
  await live.agents.set(1, { status });
  await expect(page.locator("availability-badge")).toHaveAttribute("data-state", status);
  await expect(page.locator("availability-badge")).toHaveAttribute("data-callable", `${status === "available"}`);
}

/** Waits until the page with the title shows. The badge is a new element after each visit. */
const expectTitle = (page: Page, title: string) => expect(page.locator("h1")).toHaveText(title);

/** Asks for agent 1 by the connector of the script tag. */
const ask = (page: Page): Promise<unknown> =>
  page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        window.availabilityBridge?.push((connector) => {
          connector
            .request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } })
            .then(({ status }) => resolve(status), reject);
        });
      }),
  );

for (const [where, parts, frame] of WIDGETS) {
  for (const [library, script, visit] of [
    ["Turbo", '<script src="/turbo.js"></script>', (address: string) => Reflect.get(window, "Turbo").visit(address)],
    [
      "htmx with boosted links",
      '<script src="/htmx.js"></script>',
      (address: string) => {
        const link = document.createElement("a");
        link.href = address;
        document.body.append(link);
        document.body.setAttribute("hx-boost", "true");
        const { htmx }: { htmx: { process(element: Element): void } } = Object(window);
        htmx.process(document.body);
        link.click();
      },
    ],
  ] as const) {
    test(`${library}: the widget ${where} and the badge go on through visits and ways back, with one iframe`, async ({
      page,
      host,
      live,
    }) => {
      await live.agents.set(1, { status: "available" });
      const second = host.serve(html("Second", live, { ...parts, head: script }));
      await page.goto(host.serve(html("First", live, { ...parts, head: script })));
      await expectFollows(page, live, "in_call");
      await page.evaluate(visit, second);
      await expectTitle(page, "Second");
      await expectFollows(page, live, "available");
      await expect(page.locator("iframe")).toHaveCount(1);
      for (const [round, status] of (["in_call", "available"] as const).entries()) {
        // Both libraries show a kept copy.
        await page.evaluate(() => history.back());
        await expectTitle(page, "First");
        await expectFollows(page, live, status);
        await expect(page.locator("iframe")).toHaveCount(1);
        await page.evaluate(() => history.forward());
        await expectTitle(page, "Second");
        await expectFollows(page, live, round ? "in_call" : "available");
        await expect(page.locator("iframe")).toHaveCount(1);
      }
      await expect(page.locator(frame)).toHaveCount(1);
      expect(await ask(page)).toBe("in_call");
    });
  }
}

const CONTAINER = { settings: 'data-container="#phone"', body: '<div id="phone"></div>' };

test("Turbo: a visit moves the widget into the container of the next page, and a request in flight is answered", async ({
  page,
  host,
  backend,
}) => {
  const parts = { ...CONTAINER, head: '<script src="/turbo.js"></script>' };
  backend.answerWith([{ hangs: true }, AVAILABLE]);
  const withoutBadge = (title: string) => html(title, backend, parts).replace(/<availability-badge.*?badge>/, "");
  const second = host.serve(withoutBadge("Second"));
  await page.goto(host.serve(withoutBadge("First")));
  const asked = page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        (window.availabilityBridge ??= []).push((connector) => {
          const payload = { variables: { userId: 123 } };
          connector.request("API.FETCH_USER_AVAILABILITY", payload, { timeoutMs: 60_000 }).then(resolve, reject);
        });
      }),
  );
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.evaluate((address) => Reflect.get(window, "Turbo").visit(address), second);
  await expectTitle(page, "Second");
  expect(await asked).toEqual(AVAILABLE.body);
  await expect(page.locator("#phone > iframe")).toHaveCount(1);
});

test("a page without the container says so once, and the widget comes back with the container", async ({
  page,
  host,
  live,
}) => {
  const warnings: string[] = [];
  page.on("console", (message) => {
    if (message.text().startsWith("availability-bridge: ")) warnings.push(message.text());
  });
  await live.agents.set(1, { status: "available" });
  await stopClock(page);
  await page.goto(host.serve(html("First", live, CONTAINER)));
  await expect(page.locator("availability-badge")).toHaveAttribute("data-callable", "true");
  await page.evaluate(() => document.querySelector("#phone")?.remove());
  // Without a widget that follows the agent, the badge is not callable.
  await expect(page.locator("availability-badge")).toHaveAttribute("data-callable", "false");
  await page.clock.runFor(20_000);
  await expect
    .poll(() => warnings)
    .toEqual([
      expect.stringContaining("data-container: expected a selector of an element of this page, such as #phone"),
    ]);
  await page.evaluate(() => {
    const container = document.createElement("section");
    document.body.append(container);
    container.id = "phone";
  });
  await expect(page.locator("#phone > iframe")).toHaveCount(1);
  await expect(page.locator("availability-badge")).toHaveAttribute("data-callable", "true");
  expect(warnings).toHaveLength(1);
});

test("htmx: a page that is restored from the history after a reload has one iframe, and not that of the page before", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  const parts = { head: '<script src="/htmx.js"></script>' };
  const second = host.serve(html("Second", live, parts));
  const first = host.serve(
    html("First", live, { ...parts, body: `<div hx-boost="true"><a href="${second}">Second</a></div>` }),
  );
  await page.goto(first);
  await expectFollows(page, live, "in_call");
  await page.getByRole("link").click();
  await expectTitle(page, "Second");
  await page.reload();
  await expectFollows(page, live, "available");
  await page.evaluate(() => history.back());
  await expectTitle(page, "First");
  await expectFollows(page, live, "in_call");
  await expect(page.locator("iframe")).toHaveCount(1);
});

test("Astro's client router: the widget and the badge go on after a swap of the body that takes persistent elements along", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  await page.goto(
    host.serve(html("First", live, { ...CONTAINER, body: '<div id="phone" data-astro-transition-persist="a"></div>' })),
  );
  await expectFollows(page, live, "in_call");
  for (const [title, isPersistent, status] of [
    ["Second", true, "available"],
    ["Third", false, "in_call"],
  ] as const) {
    // As `swapBodyElement` of Astro.
    await page.evaluate(
      ([next, persist]) => {
        const { body } = new DOMParser().parseFromString(
          `<body><h1>${next}</h1><availability-badge user-id="1"></availability-badge>
            <div id="phone" ${persist ? 'data-astro-transition-persist="a"' : ""}></div></body>`,
          "text/html",
        );
        const last = document.body;
        last.replaceWith(body);
        for (const element of last.querySelectorAll("[data-astro-transition-persist]")) {
          const name = element.getAttribute("data-astro-transition-persist");
          body.querySelector(`[data-astro-transition-persist="${name}"]`)?.replaceWith(element);
        }
      },
      [title, isPersistent] as const,
    );
    await expectTitle(page, title);
    await expectFollows(page, live, status);
    await expect(page.locator("#phone > iframe")).toHaveCount(1);
  }
});

for (const [name, parts] of [
  ["in the container", CONTAINER],
  ["invisible", {}],
] as const) {
  for (const [library, script, morph] of [
    [
      "Turbo's page refresh by morph",
      "/turbo.js",
      () => {
        const stream = '<turbo-stream action="refresh" method="morph" scroll="preserve"></turbo-stream>';
        Reflect.get(window, "Turbo").renderStreamMessage(stream);
      },
    ],
    [
      "idiomorph",
      "/idiomorph.js",
      async () => {
        const text = await (await fetch(location.href)).text();
        const { body } = new DOMParser().parseFromString(text, "text/html");
        Reflect.get(window, "Idiomorph").morph(document.body, body);
      },
    ],
    [
      "morphdom",
      "/morphdom.js",
      async () => {
        const text = await (await fetch(location.href)).text();
        const { body } = new DOMParser().parseFromString(text, "text/html");
        Reflect.get(window, "morphdom")(document.body, body);
      },
    ],
  ] as const) {
    test(`${library} takes away what the server did not send: the badge keeps its attributes, and the widget ${name} comes back`, async ({
      page,
      host,
      live,
    }) => {
      const given: { readonly body?: string } = parts;
      await live.agents.set(1, { status: "available" });
      const address = host.serve(
        html("First", live, {
          ...parts,
          body: `${given.body ?? ""}<p id="morphed"></p>`,
          head: `<script src="${script}"></script>`,
        }),
      );
      await page.goto(address);
      await expectFollows(page, live, "available");
      const badge = await page.locator("availability-badge").elementHandle();
      await page.evaluate(() => {
        const mark = document.querySelector("#morphed");
        if (mark) mark.textContent = "not of the server";
      });
      await page.evaluate(morph);
      await expect(page.locator("#morphed")).toHaveText("");
      // The element stays. Without a change of the agent, the attributes come back.
      await expect.poll(() => badge?.getAttribute("data-callable")).toBe("true");
      await expectFollows(page, live, "in_call");
      await expect(page.locator("iframe")).toHaveCount(1);
      expect(await ask(page)).toBe("in_call");
    });
  }
}

for (const [library, script, morph] of [
  [
    "Turbo",
    "/turbo.js",
    (markup: string) => {
      const stream = `<turbo-stream action="replace" method="morph" target="list"><template>${markup}</template></turbo-stream>`;
      Reflect.get(window, "Turbo").renderStreamMessage(stream);
    },
  ],
  [
    "idiomorph",
    "/idiomorph.js",
    (markup: string) => Reflect.get(window, "Idiomorph").morph(document.querySelector("#list"), markup),
  ],
  [
    "morphdom",
    "/morphdom.js",
    (markup: string) => Reflect.get(window, "morphdom")(document.querySelector("#list"), markup),
  ],
] as const) {
  test(`${library} morphs a list: its badges keep the attributes that the server does not send, and follow the agents that it sends`, async ({
    page,
    host,
    live,
  }) => {
    for (const id of [1, 2]) await live.agents.set(id, { status: "available" });
    const list = (text: string, secondId: number) =>
      `<ul id="list"><li>${text}</li>${[1, secondId]
        .map((id) => `<li><availability-badge user-id="${id}"></availability-badge></li>`)
        .join("")}</ul>`;
    const address = host.serve(
      html("First", live, { head: `<script src="${script}"></script>`, body: list("Before", 1) }),
    );
    await page.goto(address);
    const badges = page.locator("#list availability-badge");
    const callable = () => badges.evaluateAll((all) => all.map((badge) => badge.getAttribute("data-callable")));
    await expect.poll(callable).toEqual(["true", "true"]);
    const elements = await badges.elementHandles();
    await page.evaluate(morph, list("After", 2));
    await expect(page.locator("#list")).toContainText("After");
    await expect.poll(callable).toEqual(["true", "true"]);
    await live.agents.set(2, { status: "in_call" });
    await expect.poll(callable).toEqual(["true", "false"]);
    for (const element of elements) expect(await element.evaluate((badge) => badge.isConnected)).toBe(true);
  });
}

test("React: the widget follows a container that React renders anew, and one that a route without it has removed", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  const render = `<script src="/react.js"></script><script src="/react-dom.js"></script>`;
  await page.goto(
    host.serve(html("First", live, { head: render, settings: CONTAINER.settings, body: '<div id="root"></div>' })),
  );
  await page.evaluate(() => {
    const { React, ReactDOM } = Object(window);
    const root = ReactDOM.createRoot(document.querySelector("#root"));
    /** Renders a route, with the container or without. React makes new elements for a new key. */
    const show = (key: string, hasPhone: boolean): void =>
      root.render(React.createElement("main", { key }, key, hasPhone && React.createElement("div", { id: "phone" })));
    Object.assign(window, { show });
    show("one", true);
  });
  const show = (key: string, hasPhone: boolean) =>
    page.evaluate(([route, has]) => Reflect.get(window, "show")(route, has), [key, hasPhone] as const);
  await expectFollows(page, live, "in_call");
  await show("two", true);
  await expect(page.locator("main")).toHaveText("two");
  await expectFollows(page, live, "available");
  await expect(page.locator("#phone > iframe")).toHaveCount(1);
  await show("three", false);
  await expect(page.locator("iframe")).toHaveCount(0);
  await show("four", true);
  await expectFollows(page, live, "in_call");
  await expect(page.locator("#phone > iframe")).toHaveCount(1);
});

for (const keep of ["a fragment", "a template"] as const) {
  test(`a container that the page keeps in ${keep} for the way back shows the widget again, with its badge`, async ({
    page,
    host,
    live,
  }) => {
    await live.agents.set(1, { status: "available" });
    await page.goto(host.serve(html("First", live, CONTAINER)));
    await expectFollows(page, live, "in_call");
    await page.evaluate((what) => {
      // The content of a template belongs to a document of its own.
      const kept = what === "a fragment" ? new DocumentFragment() : document.createElement("template").content;
      kept.append(...document.querySelectorAll("availability-badge, #phone"));
      Object.assign(window, { kept });
    }, keep);
    await expect(page.locator("iframe")).toHaveCount(0);
    await page.evaluate(() => document.body.append(Reflect.get(window, "kept")));
    await expectFollows(page, live, "available");
    await expect(page.locator("#phone > iframe")).toHaveCount(1);
  });
}
