/** Listeners of a page that throw, destroy the connector, or send requests. */
import type { Page } from "@playwright/test";
import { ASK_123, connectorPage, expect, FULFILLED, openConnected, rejectedBy } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

/** Errors that the page reports as uncaught. */
function collectReports(page: Page): readonly string[] {
  const reports: string[] = [];
  page.on("pageerror", ({ message }) => reports.push(message));
  return reports;
}

test("listeners that throw are reported one by one, and disturb neither the request nor each other", async ({
  page,
  host,
  backend,
}) => {
  const reports = collectReports(page);
  await page.goto(host.serve(connectorPage()));
  const outcome = await page.evaluate(
    async ([src, event]) => {
      const connector = window.connect({ src });
      const heard: string[] = [];
      const mistake = (where: string) => () => {
        throw new Error(where);
      };
      connector.onStateChange(mistake("state"));
      connector.onStateChange((state) => heard.push(state));
      connector.on(`${event.type}_FULFILLED`, mistake("first"));
      connector.on("*", mistake("second"));
      connector.on("*", ({ type }) => heard.push(type));
      const off = connector.observe(({ kind }) => {
        if (kind !== "sent") return;
        off();
        throw new Error("observer");
      });
      return { settlement: await connector.dispatch(event), heard };
    },
    [`${backend.origin}/widget/`, ASK_123] as const,
  );
  expect(outcome).toEqual({ settlement: FULFILLED, heard: ["ready", FULFILLED.type] });
  await expect.poll(() => reports).toEqual(["state", "observer", "first", "second"]);
});

test("a listener that destroys the connector at a settlement settles the rest as closed", async ({
  page,
  host,
  backend,
}) => {
  const reports = collectReports(page);
  await openConnected(page, host, backend.origin);
  const outcome = await page.evaluate(async (event) => {
    const { connector } = window;
    const heard: string[] = [];
    connector.on("*", () => connector.destroy());
    connector.on("*", ({ type }) => heard.push(type));
    const asked = [event, { type: "CALLS.UNKNOWN" }, { type: "CALLS.UNKNOWN" }];
    const settlements = await Promise.all(asked.map((one) => connector.dispatch(one)));
    const codes = settlements.map(({ payload }) => Reflect.get(Object(payload), "error")?.code);
    return { codes, heard: heard.length, frames: document.querySelectorAll("iframe").length };
  }, ASK_123);
  expect(outcome).toEqual({ codes: ["CONNECTION_CLOSED", "UNKNOWN_EVENT", "CONNECTION_CLOSED"], heard: 3, frames: 0 });
  expect(reports).toEqual([]);
});

for (const [moment, kind] of [
  ["when the widget is ready", "state"],
  ["when a request is sent", "sent"],
] as const) {
  test(`a listener that destroys the connector ${moment} settles every request as closed, and nothing is sent`, async ({
    page,
    host,
    backend,
  }) => {
    const reports = collectReports(page);
    await page.goto(host.serve(connectorPage()));
    const outcome = await page.evaluate(
      async ([src, event, what]) => {
        const connector = window.connect({ src });
        const kinds: string[] = [];
        connector.observe((happened) => {
          kinds.push(happened.kind === "state" ? happened.state : `${happened.kind} ${happened.event.type}`);
          if (happened.kind === what) connector.destroy();
        });
        const settlements = await Promise.all([connector.dispatch(event), connector.dispatch(event)]);
        return { settlements, kinds, frames: document.querySelectorAll("iframe").length };
      },
      [`${backend.origin}/widget/`, ASK_123, kind] as const,
    );
    // The registration is sent before any request.
    const [sent, registered] = kind === "sent" ? [["sent BUS.REGISTER"], ["settled BUS.REGISTER"]] : [[], []];
    expect(outcome).toEqual({
      settlements: [rejectedBy("CONNECTION_CLOSED"), rejectedBy("CONNECTION_CLOSED")],
      kinds: [
        "ready",
        ...sent,
        "closed",
        "settled API.FETCH_USER_AVAILABILITY",
        "settled API.FETCH_USER_AVAILABILITY",
        ...registered,
      ],
      frames: 0,
    });
    expect(backend.calls).toHaveLength(0);
    expect(reports).toEqual([]);
  });
}

test("requests made by listeners are answered like any other", async ({ page, host, backend }) => {
  const reports = collectReports(page);
  await page.goto(host.serve(connectorPage()));
  const outcome = await page.evaluate(
    async ([src, event]) => {
      const connector = window.connect({ src });
      const settlements: unknown[] = [];
      await new Promise<void>((resolve) => {
        const ask = async (): Promise<void> => {
          settlements.push(await connector.dispatch(event));
          if (settlements.length === 5) resolve();
        };
        // A request as soon as the widget is ready, another at sending, and another after each of the first three
        // settlements.
        connector.onStateChange(() => void ask());
        const off = connector.observe(({ kind }) => {
          if (kind !== "sent") return;
          off();
          void ask();
        });
        let more = 3;
        connector.on("*", () => {
          more -= 1;
          if (more >= 0) void ask();
        });
      });
      return settlements;
    },
    [`${backend.origin}/widget/`, ASK_123] as const,
  );
  expect(outcome).toEqual(Array.from({ length: 5 }, () => FULFILLED));
  expect(reports).toEqual([]);
});
