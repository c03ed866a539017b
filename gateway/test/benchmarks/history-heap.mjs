// @ts-check
/**
 * Makes ten times as many changes as the history keeps, over 500 loaded customers, and measures the memory after each
 * tenth: it must not grow once the history is full.
 */
import { bundleProgram } from "./bundle.mjs";
import { startServer } from "./server-process.mjs";

const MEBIBYTE = 1024 ** 2;

/**
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureHistory({ small }) {
  const length = small ? 10_000 : 100_000;
  const server = await startServer(await bundleProgram("gateway/test/benchmarks/bare/history.ts"), {
    HISTORY_LENGTH: `${length}`,
  });
  const empty = (await server.collect()).heapBytes;
  const rows = [];
  for (let made = length; made <= 10 * length; made += length) {
    const { entries, bytes } = await (await fetch(`${server.origin}/${length}`)).json();
    const { heapBytes, residentBytes } = await server.collect();
    rows.push([
      `${made}`,
      `${entries}`,
      toMib(bytes),
      toMib(heapBytes - empty),
      `${((heapBytes - empty) / entries).toFixed(0)}`,
      toMib(residentBytes),
    ]);
  }
  await server.stop();
  return [
    ["changes", "kept", "estimated MiB", "heap MiB above empty", "bytes for each kept change", "resident MiB"],
    ...rows,
  ];
}

/** @param {number} bytes */
function toMib(bytes) {
  return (bytes / MEBIBYTE).toFixed(1);
}
