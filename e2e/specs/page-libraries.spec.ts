/** Pages with real libraries that change or wrap natives: the script tag, the badge and the connector work as without them. */
import { connectorPage, expect } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/live-page.ts";
import { installLibraries, LIBRARIES, type LibraryName, readLibrary } from "../fixtures/page-libraries.ts";
import {
  answerByAgent,
  defineScenario,
  SCENARIO_HOST,
  STEP_LIMIT_MS,
  scenarioPage,
  WORKS,
} from "../fixtures/page-scenario.ts";

// One worker for the whole file, because the packages are installed once. The timeout is above that of a step, whose fault the
// test then names.
test.describe.configure({ mode: "default", timeout: 120_000 });

test.beforeAll(() => installLibraries());

/** Serves a library and returns its tag. Skips the test if the library's Debian package is not installed. */
async function serveLibrary(host: HostSite, name: LibraryName): Promise<string> {
  const code = await readLibrary(name);
  test.skip(code === undefined, `${name} is not installed on this machine`);
  return `<script src="${host.serve(code ?? "", { "content-type": "text/javascript" })}"></script>`;
}

for (const name of LIBRARIES) {
  test(`with ${name} the page's requests, listeners, watches and badge work, and go on after a reload and a removal @once`, async ({
    page,
    host,
    backend,
  }) => {
    backend.answerWith(answerByAgent());
    const head = await serveLibrary(host, name);
    const address = host.serve(
      scenarioPage({ head, tag: `<script crossorigin src="${backend.origin}/embed.js"></script>` }),
    );
    await page.goto(host.serve(SCENARIO_HOST));
    await page.evaluate(defineScenario, STEP_LIMIT_MS);
    const outcome = await page.evaluate((given) => window.runScenario(given, 5_000), address);
    expect(outcome).toEqual(WORKS);
  });
}

/** The part of zone.js that the tests use. */
interface Zones {
  readonly current: { readonly name: string; fork(zone: { name: string }): { run(task: () => void): void } };
}

for (const name of LIBRARIES.filter((library) => library.startsWith("zone.js"))) {
  test(`with ${name} a watch that begins in Angular's zone hears each change there, so that the view follows @once`, async ({
    page,
    host,
    live,
  }) => {
    await page.goto(host.serve(connectorPage(await serveLibrary(host, name))));
    await page.evaluate((src) => {
      const { current }: Zones = Reflect.get(window, "Zone");
      const heard: string[] = [];
      Object.assign(window, { heard });
      current.fork({ name: "angular" }).run(() => {
        window.connector = window.connect({ src });
        window.connector.watch(1, ({ status }) => {
          const zones: Zones = Reflect.get(window, "Zone");
          heard.push(`${status} in ${zones.current.name}`);
        });
      });
    }, `${live.origin}/widget/`);
    await live.agents.set(1, { status: "available" });
    const heard = () => page.evaluate(() => Reflect.get(window, "heard"));
    await expect.poll(heard).toEqual(["available in angular"]);
    await live.agents.set(1, { status: "out_for_lunch" });
    await expect.poll(heard).toEqual(["available in angular", "out_for_lunch in angular"]);
  });

  test(`with ${name} the page still hears that the network is back after the iframe has reloaded twice @once`, async ({
    page,
    host,
    backend,
  }) => {
    backend.answerWith(answerByAgent());
    await page.goto(host.serve(connectorPage(await serveLibrary(host, name))));
    const rounds = await page.evaluate(async (src) => {
      const connector = window.connect({ src });
      const sent: string[] = [];
      connector.observe((record) => {
        if (record.kind === "settled") sent.push(record.event.type);
      });
      connector.watch(123, () => {});
      const isAnswered = async (): Promise<boolean> => {
        // The request is answered after everything that was sent before it.
        await connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 124 } });
        return sent.includes("API.CHANGE_WATCHED_USERS");
      };
      const heard: boolean[] = [];
      for (let round = 0; round < 3; round += 1) {
        while (!(await isAnswered()));
        sent.length = 0;
        dispatchEvent(new Event("online"));
        heard.push(await isAnswered());
        document.querySelector("iframe")?.remove();
        sent.length = 0;
      }
      connector.destroy();
      return heard;
    }, `${backend.origin}/widget/`);
    expect(rounds).toEqual([true, true, true]);
  });
}
