import type { IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../scripts/testing/local-server.ts";
import { createTokenFetcher } from "./fetch-token-from-url.ts";

const { signal } = new AbortController();

/** Starts a server of the page with a fixed response. */
async function startSite(
  status: number,
  body: string,
): Promise<{ readonly origin: string; readonly calls: IncomingMessage[] }> {
  const calls: IncomingMessage[] = [];
  const { port, close } = await listen("127.0.0.1", (request, response) => {
    calls.push(request);
    response.writeHead(status).end(body);
  });
  onTestFinished(close);
  return { origin: `http://127.0.0.1:${port}`, calls };
}

test("fetches the token from an address relative to the page's, without a cache", async () => {
  const { origin, calls } = await startSite(200, '{ "token": "t1", "more": 1 }');
  expect(await createTokenFetcher("../token?for=phone", `${origin}/crm/contacts/7`)({ signal })).toBe("t1");
  expect(calls[0]?.url).toBe("/crm/token?for=phone");
  expect(calls[0]?.headers["cache-control"]).toBe("no-cache");
});

test.each([301, 401, 404, 500])("names the attribute and the status if the response has status %i", async (status) => {
  const { origin } = await startSite(status, '{ "token": "t1" }');
  const given = createTokenFetcher(`${origin}/token?s3cret`, origin)({ signal });
  await expect(given).rejects.toThrow(`data-token-url: expected a token, not an answer with status ${status}`);
});

test.each(["", "s3cret", '"s3cret"', "null", "{}", '{ "token": 1 }', '{ "token": "" }', '{ "token": "s3cret \\n" }'])(
  "names the attribute and the expected body instead of %j, and shows no part of the body",
  async (body) => {
    const { origin } = await startSite(200, body);
    await expect(createTokenFetcher("/token", origin)({ signal })).rejects.toThrow(
      /^data-token-url: expected an answer \{ "token": "…" \} with a bearer token of 1 to 8192 characters$/,
    );
  },
);

test.each([
  "",
  "http://",
  "javascript:alert(1)",
  "ftp://crm.example.com/token",
  "xhttps://crm.example.com/token",
  "https://user:s3cret@crm.example.com/",
])("throws at once for the address %j, and does not show the address", (text) => {
  expect(() => createTokenFetcher(text, "https://crm.example.com/")).toThrow(
    /^data-token-url: expected an http\(s\) address without credentials, such as \/phone-token$/,
  );
});
