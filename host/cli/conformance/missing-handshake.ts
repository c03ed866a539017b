/** What can be done if a widget finishes no handshake, read from the head of its document. */
import { allowsOrigin, readFrameAncestors } from "../doctor/frame-ancestors.ts";
import { get } from "../doctor/http.ts";

/** A widget and the page around it. */
export interface Pair {
  /** Address of the widget's document. */
  readonly url: URL;
  /** Origin of the kit's page. */
  readonly origin: string;
}

/** Reads the widget's document, and returns the likely cause and the remedy in one sentence each. */
export async function explainMissingHandshake({ url, origin }: Pair): Promise<string> {
  const address = `${url.origin}${url.pathname}`;
  const answer = await get(url);
  if (!answer.isReached) return `${address} cannot be reached any more: ${answer.reason}`;
  const { status, headers } = answer;
  const type = headers.get("content-type") ?? "";
  const remedy = `Let the widget's gateway allow the origin ${origin}, or give an origin that it allows by --origin`;
  if (status < 300 && !type.startsWith("text/html")) {
    return `${address} is no widget: expected a document of the type text/html, and ${type || "no type"} came`;
  }
  const policies = readFrameAncestors(headers.get("content-security-policy"));
  const forbidding = policies.find((sources) => !sources.some((source) => allowsOrigin(source, origin, url.origin)));
  if (forbidding) {
    return `The widget does not allow the kit's page ${origin}: its frame-ancestors has ${forbidding.join(" ") || "no source"}. ${remedy}`;
  }
  if (policies.length > 0) {
    return `The document's frame-ancestors allows ${origin}, so that its script decides. ${remedy}; or ${address} is no widget`;
  }
  const framing = headers.get("x-frame-options");
  const found = framing === null ? "no frame-ancestors" : `x-frame-options ${framing}, and no frame-ancestors`;
  return `${address} answers with status ${status} and ${found}, as a document that is no widget does. If it is a widget: ${remedy}`;
}
