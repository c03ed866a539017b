/** A hostile widget at the very origin that the page trusts, and the limits of its attacks. */
import type { Page } from "@playwright/test";
import { ASK_123, AVAILABLE, connectorPage, expect, test } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { type HostileAnswer, hostileWidget } from "../fixtures/hostile-pages.ts";

const FULFILLED = `${ASK_123.type}_FULFILLED`;
const REJECTED = `${ASK_123.type}_REJECTED`;

const INVALID_RESPONSE = {
  type: REJECTED,
  payload: {
    error: {
      code: "INVALID_RESPONSE",
      message: `${ASK_123.type} was answered with no settlement of it`,
      retryable: false,
    },
  },
  meta: { source: "bridge" },
};

/** Opens a page that is connected to a hostile widget, and that collects uncaught errors in `thrown`. */
async function openHostile(page: Page, host: HostSite, answer: HostileAnswer): Promise<void> {
  await collectThrown(page);
  const src = host.serve(hostileWidget("/penpal.js", answer));
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (address) => {
    window.connector = window.connect({ src: address });
    await window.connector.ready;
  }, src);
}

/** Makes every document collect its uncaught errors. Only the page's matter; those of the hostile widget do not. */
async function collectThrown(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const thrown: string[] = [];
    Object.assign(window, { thrown });
    addEventListener("error", ({ message }) => thrown.push(message));
    addEventListener("unhandledrejection", ({ reason }) => thrown.push(String(reason)));
  });
}

const thrown = (page: Page): Promise<unknown> => page.evaluate("thrown");

const dispatch = (page: Page): Promise<unknown> => page.evaluate((event) => window.connector.dispatch(event), ASK_123);

/** Reads the documented properties of the error that `request` throws. */
const requestError = (page: Page): Promise<unknown> =>
  page.evaluate(
    ({ type, payload }) =>
      window.connector.request(type, payload).then(
        (value) => ({ value }),
        (error: unknown) => {
          const { name, code, message, retryable, stack } = Object(error);
          return { isError: error instanceof Error, name, code, message, retryable, stack };
        },
      ),
    ASK_123,
  );

const settle = (payload: string, id = "meta.id"): HostileAnswer =>
  `({ type, meta }) => ({ type: type + "_FULFILLED", payload: ${payload}, meta: { id: ${id} } })`;

const SOMEBODY_ELSE = { userId: 666, status: "available", version: 1 };

test("a widget at the trusted origin is believed, even if it answers for another user", async ({ page, host }) => {
  await openHostile(page, host, settle(JSON.stringify(SOMEBODY_ELSE)));
  expect(await dispatch(page)).toEqual({ type: FULFILLED, payload: SOMEBODY_ELSE });
});

test("the real widget does not pass on a backend's answer for another user", async ({ page, host, backend }) => {
  backend.answerWith([{ status: 200, body: SOMEBODY_ELSE }, AVAILABLE]);
  await page.goto(host.serve(connectorPage()));
  const ask = (): Promise<unknown> =>
    page.evaluate(([src, event]) => window.connect({ src }).dispatch(event), [
      `${backend.origin}/widget/`,
      ASK_123,
    ] as const);
  expect(await ask()).toMatchObject({ type: REJECTED, payload: { error: { code: "INVALID_RESPONSE" } } });
  expect(await ask()).toMatchObject({ type: FULFILLED, payload: { userId: 123 } });
});

test("one request's answer is never handed to another, regardless of the order and the ids of a widget's answers", async ({
  page,
  host,
}) => {
  // Holds the first request until the second has come, and answers each with the other's result. Honest from the third
  // request on.
  await openHostile(
    page,
    host,
    `(() => {
      let first;
      const settlement = ({ type, payload, meta: { id } }) => ({ type: type + "_FULFILLED", payload, meta: { id } });
      return (event) => {
        if (!event.type.startsWith("API.")) return settlement(event);
        if (!first) return new Promise((answer) => { first = { event, answer }; });
        if (first.answer) {
          first.answer(settlement(event));
          delete first.answer;
          return settlement(first.event);
        }
        return settlement(event);
      };
    })() /* => */`,
  );
  const settlements = page.evaluate(
    (event) =>
      Promise.all(
        ["first", "second", "third"].map((id) =>
          window.connector.dispatch({ ...event, payload: { variables: { userId: id } }, meta: { id } } as never),
        ),
      ),
    ASK_123,
  );
  const refused = (id: string) => ({ ...INVALID_RESPONSE, meta: { id, source: "bridge" } });
  expect(await settlements).toEqual([
    refused("first"),
    refused("second"),
    { type: FULFILLED, payload: { variables: { userId: "third" } }, meta: { id: "third" } },
  ]);
});

const NO_SETTLEMENTS: Readonly<Record<string, HostileAnswer>> = {
  "with nothing": "() => undefined",
  "with null": "() => null",
  "with a text": `() => "${FULFILLED}"`,
  "with a list": "(event) => [event]",
  "with the question": "(event) => event",
  "with another request's id": settle("{}", '"other"'),
  "without an id": "({ type }) => ({ type: type + '_FULFILLED', payload: {} })",
  "with another request's type": "({ meta }) => ({ type: 'BUS.PING_FULFILLED', payload: {}, meta })",
  "with a rejection that has no error": "({ type, meta }) => ({ type: type + '_REJECTED', meta })",
  "with an error of penpal's": "() => { throw new Error('a secret of the widget') }",
  "with an error that is a text": "() => { throw 'a secret of the widget' }",
  "with what cannot be posted": "() => () => {}",
};

for (const [how, answer] of Object.entries(NO_SETTLEMENTS)) {
  test(`a widget that answers ${how} has its request rejected, and nothing of the answer reaches the page`, async ({
    page,
    host,
  }) => {
    await openHostile(page, host, answer);
    expect(await dispatch(page)).toEqual(INVALID_RESPONSE);
    expect(await requestError(page)).toMatchObject({ isError: true, name: "ContractError", code: "INVALID_RESPONSE" });
    // The connector reports that the page could not be registered.
    const refusal = /ContractError: BUS\.REGISTER was answered with no settlement of it$/;
    expect(await thrown(page)).toEqual([expect.stringMatching(refusal)]);
  });
}

test("a widget that answers twice settles its request once", async ({ page, host }) => {
  await openHostile(page, host, settle('"first"'));
  await page.evaluate(() => {
    const heard: unknown[] = [];
    Object.assign(window, { heard });
    window.connector.on("*", (event) => heard.push(event));
  });
  // The widget posts each of its messages over the port twice.
  await page.frames()[1]?.evaluate(() => {
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function (message: { value?: { payload?: string } }): void {
      Reflect.apply(postMessage, this, [message]);
      Reflect.apply(postMessage, this, [{ ...message, value: { ...message.value, payload: "second" } }]);
    };
  });
  expect(await dispatch(page)).toEqual({ type: FULFILLED, payload: "first" });
  expect(await dispatch(page)).toEqual({ type: FULFILLED, payload: "first" });
  const heard = await page.evaluate("heard.map(({ payload }) => payload)");
  expect(heard).toEqual(["first", "first"]);
});

test("a widget that never answers has its request settled by its deadline", async ({ page, host }) => {
  await openHostile(page, host, "() => new Promise(() => {})");
  const settlement = page.evaluate((event) => window.connector.dispatch(event, { timeoutMs: 100 }), ASK_123);
  expect(await settlement).toMatchObject({ payload: { error: { code: "TIMEOUT" } } });
});

test("a stack that a widget sends along is data to the page, and no error's stack", async ({ page, host }) => {
  const error = `{ code: "INTERNAL", message: "failed", retryable: false, stack: "at the widget (https://widget.example.com/secret.js:1:1)" }`;
  await openHostile(
    page,
    host,
    `({ type, meta: { id } }) => ({ type: type + "_REJECTED", payload: { error: ${error} }, meta: { id, source: "bridge" } })`,
  );
  const { name, message, stack } = Object(await requestError(page));
  expect([name, message]).toEqual(["RejectedError", "failed"]);
  expect(stack).not.toContain("secret.js");
});

const ODD_ERRORS = [
  "null",
  "undefined",
  "'text'",
  "[]",
  "{}",
  "{ code: 1, message: {}, retryable: 'yes' }",
  "{ code: 'ABORTED', message: 'aborted', retryable: false }",
];

test("any rejection that a widget sends in the bridge's name makes the page's request throw a documented error", async ({
  page,
  host,
}) => {
  await openHostile(
    page,
    host,
    `(() => {
      const errors = [${ODD_ERRORS.join()}];
      return ({ type, meta: { id } }) => {
        const error = type.startsWith("API.") ? errors.shift() : {};
        return { type: type + "_REJECTED", payload: { error }, meta: { id, source: "bridge" } };
      };
    })() /* => */`,
  );
  for (const error of ODD_ERRORS) {
    const { name } = Object(await requestError(page));
    expect([error, name]).toEqual([error, expect.stringMatching(/^(Contract|Rejected)Error$/)]);
  }
});

test("messages without form over the widget's port raise no error in the page, and the next request is answered", async ({
  page,
  host,
}) => {
  await openHostile(page, host, settle('"answered"'));
  await page.frames()[1]?.evaluate(async () => {
    const { postMessage } = MessagePort.prototype;
    const junk = [null, 1, "text", [], {}, { type: "CALL" }, { type: "CALL", args: null }, { type: "REPLY" }];
    MessagePort.prototype.postMessage = function (message: unknown): void {
      for (const part of junk) {
        Reflect.apply(postMessage, this, [part]);
        Reflect.apply(postMessage, this, [Object.assign({ namespace: "penpal" }, part)]);
      }
      Reflect.apply(postMessage, this, [message]);
    };
  });
  expect(await dispatch(page)).toEqual({ type: FULFILLED, payload: "answered" });
  expect(await thrown(page)).toEqual([]);
});

/** Markup that calls `marked` if it is treated as HTML. */
const MARKUP = `<img src="data:," onerror="top.postMessage('marked', '*')"><script>top.postMessage("marked", "*")</script>`;

// The markup must not end the inline script around it.
const markedUp = JSON.stringify(MARKUP).replaceAll("<", "\\u003c");
const MARKED_UP: Readonly<Record<string, HostileAnswer>> = {
  "an availability": settle(`{ userId: 123, status: ${markedUp}, version: ${markedUp} }`),
  "an availability with wrap-up times": settle(
    `{ userId: ${markedUp}, status: ${markedUp}, version: ${markedUp}, wrapUpTimeConfig: ${markedUp}, wrapUpTimeTtl: ${markedUp} }`,
  ),
  "a backend's problem": `({ type, meta: { id } }) => ({ type: type + "_REJECTED", payload: { error: { title: ${markedUp}, detail: ${markedUp}, type: ${markedUp} } }, meta: { id, source: "backend", status: ${markedUp} } })`,
  "a backend's text": `({ type, meta: { id } }) => ({ type: type + "_REJECTED", payload: { error: ${markedUp} }, meta: { id, source: "backend", status: 500 } })`,
  "a refusal of the bridge": `({ type, meta: { id } }) => ({ type: type + "_REJECTED", payload: { error: { code: ${markedUp}, message: ${markedUp}, retryable: false } }, meta: { id, source: "bridge" } })`,
};

for (const [what, answer] of Object.entries(MARKED_UP)) {
  test(`HTML in every text of ${what} is shown as text by the demo page`, async ({ page, demoAddress }) => {
    await collectThrown(page);
    await page.route("**/widget/", (route) =>
      route.fulfill({ contentType: "text/html", body: hostileWidget("penpal.js", answer) }),
    );
    await page.route("**/widget/penpal.js", (route) => route.fulfill({ path: "node_modules/penpal/dist/penpal.js" }));
    await page.addInitScript(() => {
      Object.assign(window, { markings: [] });
      addEventListener("message", ({ data }) => {
        if (data === "marked") Reflect.get(window, "markings").push(data);
      });
    });
    await page.goto(demoAddress);
    await page.getByRole("button", { name: "Agent 123", exact: true }).click();
    const card = page.locator("#result-card");
    await expect(card).not.toHaveAttribute("data-tone", /pending/);
    // The inspector has the whole text of the settlement.
    const inspector = page.locator("#log");
    await page.getByRole("searchbox", { name: "Search the events" }).fill("onerror FETCH_USER_AVAILABILITY");
    await inspector.getByRole("option").last().click();
    await expect(inspector).toContainText("onerror");
    await expect(card.or(inspector).locator("img, script")).toHaveCount(0);
    // Control: markup that is treated as HTML is detected.
    expect(await page.evaluate("markings")).toEqual([]);
    await page.frames()[1]?.evaluate((markup) => document.body.insertAdjacentHTML("beforeend", markup), MARKUP);
    await expect.poll(() => page.evaluate("markings")).toEqual(["marked"]);
    // The connector reports a rejected registration.
    expect(await thrown(page)).toHaveLength(answer.includes("_REJECTED") ? 1 : 0);
  });
}

test("HTML in every text of the backend is shown by the widget's own view as text, or not at all", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(connectorPage('<div id="phone" style="width: 300px; height: 120px"></div>')));
  await page.evaluate((src) => {
    const container = document.querySelector("#phone");
    if (container) window.connector = window.connect({ src, container });
  }, `${backend.origin}/widget/`);
  const status = page.frameLocator("#phone > iframe").locator(".selection");
  const problem = { title: MARKUP, detail: MARKUP, [MARKUP]: MARKUP };
  for (const answer of [
    { status: 200, body: { userId: 123, status: MARKUP, version: 7 } },
    { status: 200, body: { userId: MARKUP, status: "available", version: 7 } },
    { status: 404, body: problem },
    { status: 500, contentType: "text/html", text: MARKUP },
  ]) {
    backend.answerWith(answer);
    expect(await dispatch(page)).toMatchObject({ type: REJECTED });
    await expect(status).toContainText("The availability could not be fetched");
    await expect(page.frameLocator("#phone > iframe").locator("body img, body script")).toHaveCount(0);
  }
  backend.answerWith(AVAILABLE);
  await dispatch(page);
  await expect(status).toContainText("Agent 123: Available");
});
