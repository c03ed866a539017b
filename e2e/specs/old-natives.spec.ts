/** Pages that have replaced natives before or after the script tag: everything works as without it. */
import { expect, test } from "../fixtures/fixtures.ts";
import { OLD_NATIVES } from "../fixtures/old-natives.ts";
import {
  answerByAgent,
  defineScenario,
  SCENARIO_HOST,
  STEP_LIMIT_MS,
  scenarioPage,
  WORKS,
} from "../fixtures/page-scenario.ts";

declare global {
  interface Window {
    /** Replaces natives of an iframe's window. */
    replaceNatives(realm: Window & typeof globalThis): void;
  }
}

// Above the limit of a step, whose fault the test then names.
test.describe.configure({ timeout: 120_000 });

for (const [what, replace] of Object.entries(OLD_NATIVES)) {
  test(`a page with ${what}: requests, listeners, watches and badge work, and go on after a reload and a removal @once`, async ({
    page,
    host,
    backend,
  }) => {
    backend.answerWith(answerByAgent());
    const address = host.serve(
      scenarioPage({
        head: "",
        tag: `<div id="phone"></div><script crossorigin src="${backend.origin}/embed.js" data-container="#phone"></script>`,
      }),
    );
    await page.goto(host.serve(SCENARIO_HOST));
    await page.evaluate(defineScenario, STEP_LIMIT_MS);
    await page.addScriptTag({ content: `"use strict"; window.replaceNatives = ${replace.toString()}` });
    const outcomes = await page.evaluate((given) => {
      const moments = ["before", "after"] as const;
      return Promise.all(
        moments.map((when, index) =>
          window.runScenario(given, 5_000 + index, (realm, moment) => {
            if (moment === when) window.replaceNatives(realm);
          }),
        ),
      );
    }, address);
    expect({ before: outcomes[0], after: outcomes[1] }).toEqual({ before: WORKS, after: WORKS });
  });
}
