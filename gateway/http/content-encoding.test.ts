import fc from "fast-check";
import { expect, test } from "vitest";
import { rankEncodings } from "./content-encoding.ts";

test.each([
  ["gzip, deflate, br, zstd", ["br", "gzip", "identity"]],
  ["gzip, deflate", ["gzip", "identity"]],
  ["GZip", ["gzip", "identity"]],
  ["x-gzip", ["gzip", "identity"]],
  ["br;q=0.5, gzip;q=0.9", ["gzip", "br", "identity"]],
  ["br ; q=0.001", ["br", "identity"]],
  ["gzip;q=0.5, identity", ["identity", "gzip"]],
  ["gzip;q=0.5, identity;q=0.5", ["gzip", "identity"]],
  ["br;q=0, gzip", ["gzip", "identity"]],
  ["gzip, identity;q=0", ["gzip"]],
  ["*", ["br", "gzip", "identity"]],
  ["*;q=0.2, gzip;q=0.1", ["br", "identity", "gzip"]],
  ["br;q=0, *", ["gzip", "identity"]],
  ["gzip, *;q=0", ["gzip"]],
  ["identity, *;q=0", ["identity"]],
  ["identity;q=0", []],
  ["*;q=0", []],
  ["zstd, compress", ["identity"]],
  ["", ["identity"]],
])("ranks the encodings of %j", (acceptEncoding, ranked) => {
  expect(rankEncodings(acceptEncoding)).toEqual(ranked);
});

test("sends the content as it is to a client without the header", () => {
  expect(rankEncodings(null)).toEqual(["identity"]);
});

test("ranks only encodings that exist, each once, for any header", () => {
  fc.assert(
    fc.property(fc.string(), (acceptEncoding) => {
      const ranked = rankEncodings(acceptEncoding);
      expect(new Set(ranked).size).toBe(ranked.length);
      expect(["br", "gzip", "identity"]).toEqual(expect.arrayContaining([...ranked]));
    }),
  );
});
