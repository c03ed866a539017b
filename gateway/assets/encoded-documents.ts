import { gzipSync } from "node:zlib";
import { LRUCache } from "lru-cache";
import type { Customer } from "../customer.ts";
import type { ContentEncoding } from "../http/content-encoding.ts";
import type { EncodedContent } from "../http/negotiated-response.ts";
import { type Compression, compress, HIGHEST_GZIP } from "./compression.ts";
import { prepareWidgetDocument, type WidgetDocument } from "./widget-document.ts";

/** Maximum total size of the compressed documents, in bytes: 64 MiB, some 4,500 documents in brotli. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Parts of the documents. */
export interface EncodedDocumentsOptions {
  /** The widget's document as built, without its settings. */
  readonly html: string;
  /** Called with the error of a compression. The customer's document then stays in gzip until its next request. */
  readonly onDefect: (error: unknown) => void;
  /** Compresses the bytes of a document. @default {@link compress} */
  readonly compressBytes?: (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;
  /** Maximum total size of the compressed documents, in bytes. @default 64 MiB */
  readonly maxBytes?: number;
}

/**
 * Creates the widget's documents of customers in each encoding. A document is compressed at its customer's first request and
 * kept. That request does not wait for brotli, which takes some 40 ms, and gets gzip, which takes one. One document at a time
 * is compressed by brotli: after a restart the pages of all customers come at once, and the threads that compress also verify
 * tokens.
 *
 * @returns a function that throws `WidgetDocumentError` if the built document has no place for the settings.
 */
export function createEncodedDocuments(options: EncodedDocumentsOptions): (customer: Customer) => EncodedContent {
  const { html, onDefect, compressBytes = (bytes) => compress(bytes, "br"), maxBytes = MAX_BYTES } = options;
  // A reload replaces the object of a changed customer.
  const documents = new WeakMap<Customer, WidgetDocument>();
  const bodies = new LRUCache<string, Uint8Array<ArrayBuffer>>({
    maxSize: maxBytes,
    sizeCalculation: ({ length }) => length,
  });
  const waiting = new Set<Customer>();

  function documentOf(customer: Customer): WidgetDocument {
    const document = documents.get(customer) ?? prepareWidgetDocument(html, customer.allowedOrigins);
    documents.set(customer, document);
    return document;
  }

  // The tag changes with the settings in the document.
  const keyOf = (customer: Customer, compression: Compression) =>
    `${compression} ${customer.id} ${documentOf(customer).etag}`;

  const bytesOf = (customer: Customer) => new TextEncoder().encode(documentOf(customer).createBody());

  function gzip(customer: Customer): Uint8Array<ArrayBuffer> {
    const key = keyOf(customer, "gzip");
    const kept = bodies.get(key);
    if (kept) return kept;
    const body = gzipSync(bytesOf(customer), HIGHEST_GZIP);
    bodies.set(key, body);
    return body;
  }

  function brotli(customer: Customer): Uint8Array<ArrayBuffer> | undefined {
    const body = bodies.get(keyOf(customer, "br"));
    if (!body && !waiting.has(customer)) {
      waiting.add(customer);
      if (waiting.size === 1) void compressWaiting();
    }
    return body;
  }

  async function compressWaiting(): Promise<void> {
    // A set's iterator also visits what is added during the loop.
    for (const customer of waiting) {
      try {
        bodies.set(keyOf(customer, "br"), await compressBytes(bytesOf(customer)));
        // Hardly any client accepts gzip alone.
        bodies.delete(keyOf(customer, "gzip"));
      } catch (error) {
        onDefect(error);
      }
      waiting.delete(customer);
    }
  }

  const encode: Readonly<Record<ContentEncoding, (customer: Customer) => Uint8Array<ArrayBuffer> | undefined>> = {
    br: brotli,
    gzip,
    identity: bytesOf,
  };
  return (customer) => {
    const { contentType, etag, headers } = documentOf(customer);
    return { contentType, etag, headers, bodyIn: (encoding) => encode[encoding](customer) };
  };
}
