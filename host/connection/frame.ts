/** Permissions of the widget's iframe: to run scripts and to keep the widget's origin. */
const SANDBOX = ["allow-scripts", "allow-same-origin"];

/**
 * Appends an iframe for the widget to the container. Without a container the iframe is invisible in the page.
 *
 * @returns `undefined` if the container is no longer in the document.
 */
export function mountFrame(src: URL, container: Element | undefined, title: string): HTMLIFrameElement | undefined {
  if (container && !container.isConnected) return undefined;
  const frame = document.createElement("iframe");
  frame.title = title;
  // By attribute, since jsdom has no `sandbox` property.
  frame.setAttribute("sandbox", SANDBOX.join(" "));
  // The address of the customer's page may name a person: the widget must not receive it.
  frame.referrerPolicy = "no-referrer";
  // No powerful feature: the widget needs no microphone to show an availability.
  frame.allow = "";
  // Stronger than the `hidden` attribute: a page's style rule for iframes overrides `hidden`.
  frame.style.cssText = container ? "border:0;width:100%;height:100%" : "display:none!important";
  frame.src = src.href;
  // A script in the head runs before there is a body.
  (container ?? document.body ?? document.documentElement).append(frame);
  return frame;
}

/**
 * Checks that an element of the page can show the widget.
 *
 * @throws {TypeError} when the container is not an element in a document.
 */
export function assertContainer(container: Element | null): void {
  // 1 is `Node.ELEMENT_NODE`. `instanceof` fails for another window's element.
  if (container?.nodeType === 1 && container.isConnected) return;
  throw new TypeError("container: expected an element in the document");
}

/**
 * Checks that an iframe of the page can hold the widget.
 *
 * @throws {TypeError} when the sandbox forbids the widget's scripts or origin, or the element is not an iframe in a document.
 */
export function assertFrame(frame: HTMLIFrameElement | null): void {
  const { contentWindow, sandbox } = frame ?? {};
  if (contentWindow && (!sandbox?.length || SANDBOX.every((token) => sandbox.contains(token)))) return;
  throw new TypeError(`frame: expected an iframe in the document, with a sandbox of ${SANDBOX.join(" and ")} or none`);
}
