/** Sites with names of their own: what an origin's name is made of is what some attacks are about. */
import type { BrowserContext } from "@playwright/test";

/** Shows the site at `target` to every page of this context as the site of `origin`. */
export async function nameSite(context: BrowserContext, origin: string, target: string): Promise<void> {
  await context.route(
    (url) => url.origin === origin,
    async (route) => {
      const { pathname, search } = new URL(route.request().url());
      const answer = await fetch(`${target}${pathname}${search}`);
      await route.fulfill({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: Buffer.from(await answer.arrayBuffer()),
      });
    },
  );
}
