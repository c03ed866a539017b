/** What the widget is allowed to do in its frame: run its script, as its own origin. Nothing else. */
const SANDBOX = ["allow-scripts", "allow-same-origin"];

/**
 * Creates the widget's frame and puts it into the page: into the container, or invisible where there is none.
 *
 * @returns `undefined` where the container has left the document.
 */
export function mountFrame(src: URL, container: Element | undefined, title: string): HTMLIFrameElement | undefined {
  if (container && !container.isConnected) return undefined;
  const frame = document.createElement("iframe");
  frame.title = title;
  frame.sandbox.value = SANDBOX.join(" ");
  // The address of the customer's page, which may name a person, is none of the widget's business.
  frame.referrerPolicy = "no-referrer";
  // No powerful feature at all: the widget needs no microphone to say who is free.
  frame.allow = "";
  // Stronger than the `hidden` attribute, which any rule of the page for iframes overrides.
  frame.style.cssText = container ? "border:0;width:100%;height:100%" : "display:none!important";
  frame.src = src.href;
  // A script in the head runs before there is a body.
  (container ?? document.body ?? document.documentElement).append(frame);
  return frame;
}

/**
 * Checks that an element of the page's own can show the widget.
 *
 * @throws {TypeError} when it is not an element in a document.
 */
export function checkContainer(container: Element | null): void {
  // `Node.ELEMENT_NODE`. Not by `instanceof`, which fails for another window's element.
  if (container?.nodeType === 1 && container.isConnected) return;
  throw new TypeError("container: expected an element in the document");
}

/**
 * Checks that an iframe of the page's own can hold the widget.
 *
 * @throws {TypeError} when its sandbox keeps the widget from being itself, or it is not an iframe in a document.
 */
export function checkFrame(frame: HTMLIFrameElement | null): void {
  const { contentWindow, sandbox } = frame ?? {};
  if (contentWindow && (!sandbox?.length || SANDBOX.every((token) => sandbox.contains(token)))) return;
  throw new TypeError(`frame: expected an iframe in the document, with a sandbox of ${SANDBOX.join(" and ")} or none`);
}
