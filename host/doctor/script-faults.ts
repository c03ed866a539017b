/** Findings from the answers at the addresses of the page's script tags. */
import { createFinding, type Finding } from "./finding.ts";
import { findScriptTags } from "./page-faults.ts";
import { createTimeout } from "./timeout.ts";

/** Reads the script of each tag again: scripts of the gateway may be read from every page. */
export async function findScriptFaults(): Promise<readonly Finding[]> {
  const faults = await Promise.all(findScriptTags().map(({ src }) => findScriptFault(new URL(src))));
  return faults.flat();
}

async function findScriptFault(src: URL): Promise<readonly Finding[]> {
  let response: Response;
  try {
    response = await fetch(src, {
      referrerPolicy: "no-referrer",
      credentials: "omit",
      signal: createTimeout(),
    });
  } catch {
    // No answer, or a server that lets no page read its script. Neither says that the script is wrong.
    return [];
  }
  return describeScript(src, response.status, response.headers.get("content-type"));
}

/** Describes an answer at a script's address that is no script. */
export function describeScript(src: URL, status: number, contentType: string | null): readonly Finding[] {
  const isScript = /javascript/i.test(contentType ?? "");
  if (status < 400 && isScript) return [];
  const what =
    status >= 400 ? `with status ${status}` : `with ${contentType ?? "no Content-Type"} in place of a script`;
  return [
    createFinding(
      "script-wrong-path",
      `The script's address ${src.origin}${src.pathname} answers ${what}. Copy the address from the vendor's message again: src of the script tag ends in /embed.js`,
      // Beside the wrong address: a gateway with several customers has the script of each in a folder.
      {
        of: "script tag",
        name: "src",
        value: new URL(src.pathname.endsWith("/embed.js") ? "/embed.js" : "embed.js", src).href,
      },
    ),
  ];
}
