/**
 * Pages with the policies of CRMs: with the directives that docs/platforms.md tells the administrator to add, connector, script tag and
 * badge run; without each of them the console and the rejection say which one is missing.
 */
import { startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { ASK_123, collectComplaints, expect } from "../fixtures/fixtures.ts";
import { startHostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/live-page.ts";
import { addOrigin, POLICIES } from "../platforms/policies.ts";

/** Time to wait for a blocked widget, in milliseconds. */
const IN_VAIN_MS = 1_500;

/** A page with a badge, whose scripts are files, since not every policy allows inline scripts. */
const pageWith = (scripts: string): string =>
  `<!doctype html><title>-</title><availability-badge user-id="123"></availability-badge>${scripts}`;

const SCRIPT = { "content-type": "text/javascript" };

/** The title becomes the status of agent 123, or the whole error. */
const REPORT = `(connector, timeoutMs) => connector.dispatch(${JSON.stringify(ASK_123)}, { timeoutMs }).then(({ payload }) => {
  document.title = payload.status ?? payload.error.code + ": " + payload.error.message;
})`;

/** The script of a page that bundles the package. */
const packageCode = (origin: string, timeoutMs: number): string => `
  import { connect, defineAvailabilityBadge } from "/dist/index.js";
  const connector = connect({ src: "${origin}/widget/" });
  defineAvailabilityBadge(connector);
  (${REPORT})(connector, ${timeoutMs});`;

/** The script of a page with the script tag. */
const queueCode = (timeoutMs: number): string =>
  `window.availabilityBridge = [(connector) => (${REPORT})(connector, ${timeoutMs})];`;

for (const { name, directives, adds, allowsTag } of POLICIES) {
  for (const way of allowsTag ? ["package", "script tag"] : ["package"]) {
    test(`under the policy of ${name}, with ${adds.join(" and ") || "nothing"} added, the ${way} connects and shows a badge, and nothing is violated`, async ({
      page,
      host,
      live,
    }) => {
      await live.agents.set(123, { status: "available" });
      const complaints = await collectComplaints(page);
      const headers = {
        "content-security-policy": addOrigin(directives, adds, live.origin).replace("upgrade-insecure-requests", ""),
      };
      const scripts =
        way === "package"
          ? `<script type="module" src="${host.serve(packageCode(live.origin, 15_000), SCRIPT)}"></script>`
          : `<script src="${host.serve(queueCode(15_000), SCRIPT)}"></script><script async src="${live.origin}/embed.js"></script>`;
      await page.goto(host.serve(pageWith(scripts), headers));
      await expect(page).toHaveTitle("available");
      await expect(page.locator("availability-badge")).toHaveAttribute("data-state", "available");
      expect(complaints).toEqual([]);
    });
  }

  if (adds.includes("frame-src")) {
    test(`under the policy of ${name} without the widget in frame-src the browser and the rejection name frame-src`, async ({
      page,
      host,
      live,
    }) => {
      // Firefox writes its own line to a console that no driver reads; the event is the same in each browser.
      const complaints = await collectComplaints(page);
      const others = adds.filter((directive) => directive !== "frame-src");
      const headers = {
        "content-security-policy": addOrigin(directives, others, live.origin).replace("upgrade-insecure-requests", ""),
      };
      const code = host.serve(packageCode(live.origin, IN_VAIN_MS), SCRIPT);
      await page.goto(host.serve(pageWith(`<script type="module" src="${code}"></script>`), headers));
      await expect(page).toHaveTitle(
        /^WIDGET_UNAVAILABLE: No widget answered at .* Check that this page's CSP has http:\S+ in frame-src$/,
      );
      expect(complaints.join("\n")).toContain(`violated: frame-src by ${live.origin}`);
    });
  }

  if (adds.includes("script-src") || !allowsTag) {
    test(`under the policy of ${name} without the widget in script-src the browser names script-src and no badge is shown`, async ({
      page,
      host,
      live,
    }) => {
      const complaints = await collectComplaints(page);
      const headers = { "content-security-policy": directives.join("; ").replace("upgrade-insecure-requests", "") };
      await page.goto(host.serve(pageWith(`<script async src="${live.origin}/embed.js"></script>`), headers));
      await expect.poll(() => complaints.join("\n")).toMatch(/(script-src|default-src)/);
      await expect(page.locator("availability-badge[data-state]")).toHaveCount(0);
      expect(live.calls).toEqual([]);
    });
  }
}

for (const [listed, outcome] of [
  ["the CRM and the app", "available"],
  ["the app alone", "WIDGET_UNAVAILABLE"],
  ["the CRM alone", "WIDGET_UNAVAILABLE"],
] as const) {
  test(`an app in an iframe of a CRM, as in Zendesk and HubSpot, with ${listed} on the list gets ${outcome}`, async ({
    page,
    host,
    foreign,
  }) => {
    const allowedOrigins = [
      ...(listed.includes("CRM") ? [host.origin] : []),
      ...(listed.includes("app") ? [foreign.origin] : []),
    ];
    const live = await startLiveGateway({ allowedOrigins });
    await live.agents.set(123, { status: "available" });
    const timeoutMs = outcome === "available" ? 15_000 : IN_VAIN_MS;
    const code = foreign.serve(packageCode(live.origin, timeoutMs), SCRIPT);
    const app = foreign.serve(pageWith(`<script type="module" src="${code}"></script>`));
    await page.goto(host.serve(`<!doctype html><title>CRM</title><iframe src="${app}"></iframe>`));
    // The title of the app, which is the status or the error.
    await expect.poll(async () => (await page.frames()[1]?.title())?.split(":")[0]).toBe(outcome);
    await live.close();
  });
}

test("a page four windows deep connects if the list has every page above it", async ({ page, host, foreign }) => {
  const third = await startHostSite();
  const live = await startLiveGateway({ allowedOrigins: [host.origin, foreign.origin, third.origin] });
  await live.agents.set(123, { status: "available" });
  const code = third.serve(packageCode(live.origin, 15_000), SCRIPT);
  const deepest = third.serve(pageWith(`<script type="module" src="${code}"></script>`));
  const inner = host.serve(`<!doctype html><title>-</title><iframe src="${deepest}"></iframe>`);
  const outer = foreign.serve(`<!doctype html><title>-</title><iframe src="${inner}"></iframe>`);
  await page.goto(host.serve(`<!doctype html><title>-</title><iframe src="${outer}"></iframe>`));
  const deepestFrame = () => page.frames().find((frame) => frame.url() === deepest);
  await expect.poll(() => deepestFrame()?.title()).toBe("available");
  await live.close();
  await third.close();
});
