/** Permissions of the widget's iframe: to run scripts and to keep the widget's origin. */
const SANDBOX = ["allow-scripts", "allow-same-origin"];

/**
 * Appends an iframe for the widget to the container, which need not be in the document: the iframe loads when it is. Without a
 * container the iframe is invisible in the page.
 */
export function mountFrame(src: URL, container: Element | undefined, title: string): HTMLIFrameElement {
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
  // A script in the head runs before there is a body. A page may have removed even its root.
  (container ?? document.body ?? document.documentElement)?.append(frame);
  return frame;
}

/** Checks that an element is in this document, and neither in a detached tree nor in another window's document. */
export function isInDocument({ isConnected, ownerDocument }: Element): boolean {
  return isConnected && ownerDocument === document;
}

/**
 * Checks that an element of the page can show the widget. The page may put it into the document later.
 *
 * @throws {TypeError} when the container is not an element, or belongs to another document, such as that of an iframe: the
 *   widget there would talk to another window.
 */
export function assertContainer(container: Element | null): void {
  // 1 is `Node.ELEMENT_NODE`. `instanceof` fails for an element that was made in another window.
  if (container?.nodeType === 1 && container.ownerDocument === document) return;
  throw new TypeError("container: expected an element of this document");
}

/**
 * Checks that an iframe of the page can hold the widget.
 *
 * @throws {TypeError} when the sandbox forbids the widget's scripts or origin, or the element is not an iframe in this document.
 */
export function assertFrame(frame: HTMLIFrameElement | null): void {
  const { contentWindow, ownerDocument, sandbox } = frame ?? {};
  if (
    contentWindow &&
    ownerDocument === document &&
    (!sandbox?.length || SANDBOX.every((token) => sandbox.contains(token)))
  )
    return;
  throw new TypeError(`frame: expected an iframe in this document, with a sandbox of ${SANDBOX.join(" and ")} or none`);
}
