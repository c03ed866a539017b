/** The code of an error that the operating system reported, such as `ENOENT`; `undefined` for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
