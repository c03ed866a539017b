/** Writes a report into a page's console. */
import type { Report } from "./finding.ts";

/** Writes each finding as a sentence, or one that all is well. */
export function printReport({ isHealthy, findings }: Report, { origin, pathname }: URL): void {
  for (const { severity, message, code } of findings) {
    const line = `availability-bridge doctor: ${message} (${code})`;
    if (severity === "error") console.error(line);
    else if (severity === "warning") console.warn(line);
    else console.info(line);
  }
  if (isHealthy)
    console.info(
      `availability-bridge doctor: The widget at ${origin}${pathname} and its gateway answer this page. Nothing is wrong.`,
    );
}
