import { expect, test } from "vitest";
import { renderToString } from "vue/server-renderer";
import { instructions } from "../.vitepress/theme/demo-frame.ts";

/** Renders the instructions as text. */
async function read(isDevelopmentServer: boolean): Promise<string> {
  const html = await renderToString(instructions(isDevelopmentServer));
  return html.replaceAll(/<[^>]*>/g, "").replaceAll("&amp;", "&");
}

const COMMAND =
  "run npm run docs:build && npm start in the repository, and open http://localhost:4000/docs/playground.html.";

test("says that the development server has no playground, and how to start one", async () => {
  expect(await read(true)).toBe(`The server of npm run docs has no playground: ${COMMAND}`);
});

test("says of a site without the demo that the playground needs the demo", async () => {
  expect(await read(false)).toBe(`The playground needs the demo, which runs on your own machine: ${COMMAND}`);
});
