/** Reads a body's text. `undefined` if the body is larger than `maxBytes`; the rest is then not read. */
export async function readLimitedText(body: Response["body"], maxBytes: number): Promise<string | undefined> {
  if (!body) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
