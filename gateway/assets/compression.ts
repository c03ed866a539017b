/** Compression of files that are compressed once and sent many times. */
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants, gunzip, gzip, type ZlibOptions } from "node:zlib";

/** A compression of HTTP, by its name in `Content-Encoding`. */
export type Compression = "br" | "gzip";

/** Content as compressed, by compression. Content that does not become smaller is missing. */
export type CompressedBodies = Readonly<Partial<Record<Compression, Uint8Array<ArrayBuffer>>>>;

/** Extensions of the compressed files that the build writes beside a file: `embed.js.br`. */
export const COMPRESSED_EXTENSIONS: Readonly<Record<Compression, string>> = { br: ".br", gzip: ".gz" };

const toBrotli = promisify(brotliCompress);
const fromBrotli = promisify(brotliDecompress);
const toGzip = promisify<Uint8Array, ZlibOptions, Buffer<ArrayBuffer>>(gzip);
const fromGzip = promisify<Uint8Array, ZlibOptions, Buffer<ArrayBuffer>>(gunzip);

/** Options of gzip's highest level. */
export const HIGHEST_GZIP: ZlibOptions = { level: constants.Z_BEST_COMPRESSION };

/**
 * Compresses text at the highest level, in Node's thread pool. Brotli takes some 40 ms of a core for the widget's
 * document, gzip 1 ms.
 */
export function compress(bytes: Uint8Array, compression: Compression): Promise<Uint8Array<ArrayBuffer>> {
  if (compression === "gzip") return toGzip(bytes, HIGHEST_GZIP);
  return toBrotli(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

/** True if compressed bytes are of this content. Bytes that cannot be decompressed are of no content. */
export async function isCompressionOf(
  content: Uint8Array,
  compressed: Uint8Array,
  compression: Compression,
): Promise<boolean> {
  const decompress = compression === "br" ? fromBrotli : fromGzip;
  try {
    return (await decompress(compressed, { maxOutputLength: Math.max(content.length, 1) })).equals(content);
  } catch {
    return false;
  }
}
