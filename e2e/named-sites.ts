/** Sites with names of their own: what an origin's name is made of is what some attacks are about. */
import type { BrowserContext } from "@playwright/test";

/** Shows the site at `target` to every page of this context as the site of `origin`. */
export async function nameSite(context: BrowserContext, origin: string, target: string): Promise<void> {
  await context.route(
    (url) => url.origin === origin,
    async (route) => {
      const { pathname, search } = new URL(route.request().url());
      const answer = await load(`${target}${pathname}${search}`);
      await (answer ? route.fulfill(answer) : route.abort());
    },
  );
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** What is at this address; `undefined` where its site has gone, as at the end of a test. */
async function load(address: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(address);
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  } catch {
    return undefined;
  }
}
