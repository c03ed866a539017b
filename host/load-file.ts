/** Loads a file from the folder of the script tag. */
import { warnOnce } from "./warn.ts";

/** Maximum delay before the file is requested again, in milliseconds. */
const MAX_RETRY_DELAY_MS = 8_000;

/**
 * Loads and runs a file, and retries after a failure as long as `isWanted` returns true.
 *
 * @param tag the script tag: the file has its address and its nonce.
 * @param isWanted asked before each request.
 */
export function loadFile(
  tag: HTMLScriptElement,
  file: string,
  integrity: string,
  isWanted: () => unknown,
  failures = 0,
): void {
  if (!isWanted()) return;
  const url = new URL(file, tag.src).href;
  // A browser remembers the failure of a module's address.
  const address = `${url}#${failures}`;
  const link = document.createElement("link");
  // Trusted Types allow no script's address without a policy, but an import. The link checks the integrity of what is imported.
  const isModule = link.relList.supports("modulepreload");
  const loader = Object.assign(isModule ? link : document.createElement("script"), {
    // Each element ignores what the other one needs.
    src: address,
    href: address,
    rel: "modulepreload",
    integrity,
    crossOrigin: "",
    ...readNonce(tag),
    onload: () => isModule && import(/* @vite-ignore */ address).catch(fail),
    onerror: fail,
  });
  function fail(): void {
    loader.remove();
    warnOnce(
      `The file ${url} could not be loaded. Check that this page's CSP has the address in script-src, and that it can be reached unchanged`,
    );
    setTimeout(
      loadFile,
      Math.min(MAX_RETRY_DELAY_MS, 1_000 * 2 ** failures),
      tag,
      file,
      integrity,
      isWanted,
      failures + 1,
    );
  }
  // Not `document.head`, which an iframe or a form of this name would hide. A page may have removed its head.
  (document.querySelector("head") ?? document.documentElement).append(loader);
}

/** Reads the tag's nonce as a property of the element that loads the file. */
function readNonce(tag: HTMLScriptElement): { nonce?: string } {
  try {
    return { nonce: tag.nonce };
  } catch {
    // Salesforce forbids to read a nonce and to write one.
    return {};
  }
}
