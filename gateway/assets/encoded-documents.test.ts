import { brotliCompressSync, gunzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import type { Customer } from "../customer.ts";
import { TEST_FILES } from "../test/test-build.ts";
import { ANONYMOUS_READS, throwDefect, unusedAvailabilityService } from "../test/test-gateway.ts";
import { createEncodedDocuments, type EncodedDocumentsOptions } from "./encoded-documents.ts";

function customerOf(id: string): Customer {
  const allowedOrigins = [`https://crm.${id}.example`];
  return { id, allowedOrigins, availabilities: unusedAvailabilityService(), access: ANONYMOUS_READS };
}

const ACME = customerOf("acme");
const GLOBEX = customerOf("globex");

/** A compression that ends when the test says so. */
function createHeldCompression() {
  const held: { readonly text: string; end(): void; fail(error: Error): void }[] = [];
  const compressBytes = (bytes: Uint8Array) =>
    new Promise<Uint8Array<ArrayBuffer>>((resolve, fail) => {
      held.push({
        text: new TextDecoder().decode(bytes),
        end: () => resolve(Uint8Array.from(brotliCompressSync(bytes))),
        fail,
      });
    });
  return { held, compressBytes };
}

function documentsWith(options: Partial<EncodedDocumentsOptions> = {}) {
  return createEncodedDocuments({ html: TEST_FILES.widgetHtml, onDefect: throwDefect, ...options });
}

test("has each customer's document in each encoding", async () => {
  const encoded = documentsWith();
  const text = new TextDecoder().decode(encoded(ACME).bodyIn("identity"));
  expect(text).toContain("https://crm.acme.example");
  expect(String(gunzipSync(encoded(ACME).bodyIn("gzip") ?? ""))).toBe(text);
  expect(String(gunzipSync(encoded(GLOBEX).bodyIn("gzip") ?? ""))).toContain("https://crm.globex.example");
  expect(encoded(ACME).etag).not.toBe(encoded(GLOBEX).etag);
});

test("does not make a request wait for brotli, compresses once for each customer, and keeps it", async () => {
  const { held, compressBytes } = createHeldCompression();
  const encoded = documentsWith({ compressBytes });
  const brotli = () => encoded(ACME).bodyIn("br");
  expect([brotli(), brotli()]).toEqual([undefined, undefined]);
  expect(held).toHaveLength(1);
  held[0]?.end();
  await vi.waitFor(() => expect(brotli()).toBeDefined());
  expect(brotli()).toBe(brotli());
  expect(held).toHaveLength(1);
});

test("compresses one customer's document after the other, and not all at once after a restart", async () => {
  const { held, compressBytes } = createHeldCompression();
  const encoded = documentsWith({ compressBytes });
  for (const customer of [ACME, GLOBEX]) encoded(customer).bodyIn("br");
  expect(held).toHaveLength(1);
  held[0]?.end();
  await vi.waitFor(() => expect(held).toHaveLength(2));
  expect(held.map(({ text }) => /crm\.\w+/.exec(text)?.[0])).toEqual(["crm.acme", "crm.globex"]);
  held[1]?.end();
  await vi.waitFor(() => expect(encoded(GLOBEX).bodyIn("br")).toBeDefined());
});

test("reports a compression that fails, and tries again at the next request", async () => {
  const { held, compressBytes } = createHeldCompression();
  const onDefect = vi.fn<(error: unknown) => void>();
  const encoded = documentsWith({ compressBytes, onDefect });
  encoded(ACME).bodyIn("br");
  const failure = new Error("no memory");
  held[0]?.fail(failure);
  await vi.waitFor(() => expect(onDefect).toHaveBeenCalledExactlyOnceWith(failure));
  encoded(ACME).bodyIn("br");
  expect(held).toHaveLength(2);
  held[1]?.end();
  await vi.waitFor(() => expect(encoded(ACME).bodyIn("br")).toBeDefined());
});

test("keeps no more than the limit, and forgets the document that nobody has requested for longest", async () => {
  const size = 1000;
  let count = 0;
  const compressBytes = async () => {
    count += 1;
    return new Uint8Array(size);
  };
  const encoded = documentsWith({ compressBytes, maxBytes: 2 * size });
  const whenKept = (id: string) => vi.waitFor(() => expect(encoded(customerIn(id)).bodyIn("br")).toBeDefined());
  const customers = new Map(["a", "b", "c"].map((id) => [id, customerOf(id)]));
  const customerIn = (id: string) => customers.get(id) ?? ACME;
  for (const id of ["a", "b", "a", "c"]) await whenKept(id);
  expect(count).toBe(3);
  await whenKept("a");
  expect(count).toBe(3);
  await whenKept("b");
  expect(count).toBe(4);
});
