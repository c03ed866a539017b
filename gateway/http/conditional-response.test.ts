import { expect, test } from "vitest";
import { conditionalResponse } from "./conditional-response.ts";

function answerTo(ifNoneMatch: string): Response {
  const request = new Request("http://gateway.test/", { headers: { "If-None-Match": ifNoneMatch } });
  const headers = { "Cache-Control": "no-cache" };
  return conditionalResponse(request, { etag: '"7"', contentType: "text/plain", body: "seven", headers });
}

test.each(['"7"', 'W/"7"', "*", " * ", '"1", "7"', '"1",W/"7"', '"a,b" , "7"'])("answers 304 to %s", async (tags) => {
  const response = answerTo(tags);
  expect(response.status).toBe(304);
  await expect(response.text()).resolves.toBe("");
  expect(Object.fromEntries(response.headers)).toEqual({ "cache-control": "no-cache", etag: '"7"' });
});

test.each(['"8"', "7", '"77"', '"1,7"', '"*"', '""', ""])("answers 200 to %s", async (tags) => {
  const response = answerTo(tags);
  expect(response.status).toBe(200);
  await expect(response.text()).resolves.toBe("seven");
  expect(response.headers.get("ETag")).toBe('"7"');
});
