import { describe, expect, test } from "vitest";
import { placeOf, rewriteLinks, toAnchor } from "./links.ts";

describe("placeOf", () => {
  test.each([
    ["docs/README.md", "index.md"],
    ["docs/redis.md", "redis.md"],
    ["docs/pictures/playground.png", "pictures/playground.png"],
    ["docs/site/playground.md", "playground.md"],
    ["README.md", "repository/README.md"],
    ["gateway/deploy/nginx.conf", "repository/gateway/deploy/nginx.conf.md"],
    ["LICENSE", "repository/LICENSE.md"],
  ])("shows %s at %s", (file, place) => {
    expect(placeOf(file)).toBe(place);
  });
});

describe("rewriteLinks", () => {
  test("lets a link to another page of docs stand", () => {
    expect(rewriteLinks("[Redis](redis.md#cluster)", "docs/upstream.md")).toEqual({
      text: "[Redis](./redis.md#cluster)",
      files: ["docs/redis.md"],
    });
  });

  test("leads from docs to a file of the repository, and back", () => {
    expect(rewriteLinks("[nginx](../gateway/deploy/nginx.conf)", "docs/run-the-gateway.md")).toEqual({
      text: "[nginx](./repository/gateway/deploy/nginx.conf.md)",
      files: ["gateway/deploy/nginx.conf"],
    });
    expect(rewriteLinks("![A page](docs/pictures/page.png) [How](docs/tokens.md)", "README.md")).toEqual({
      text: "![A page](../pictures/page.png) [How](../tokens.md)",
      files: ["docs/pictures/page.png", "docs/tokens.md"],
    });
  });

  test("lets headings of the same page, addresses and code stand", () => {
    const page = "[above](#top) [site](https://example.com/a.md) \n\n```ts\nconst at = [1](other.md);\n```\n";
    expect(rewriteLinks(page, "docs/tokens.md")).toEqual({ text: page, files: [] });
  });
});

test("an anchor is that of the code host", () => {
  expect(toAnchor("A page with a Content-Security-Policy")).toBe("a-page-with-a-content-security-policy");
  expect(toAnchor("Signed in, and still 401")).toBe("signed-in-and-still-401");
  expect(toAnchor("`connect`: 2 ways")).toBe("connect-2-ways");
});
