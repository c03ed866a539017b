/** Permissions of the widget's iframe: to run scripts and to keep the widget's origin. */
const SANDBOX = ["allow-scripts", "allow-same-origin"];

/**
 * Style of an invisible iframe. Not `display:none`, and not clipped: Chromium then runs its timers once a second. Outside the
 * viewport, so that the widget does not load its view. `!important` and `all`, because a page has style rules for iframes, and
 * no rule may make the iframe take part in the page's layout.
 */
const INVISIBLE =
  "all:initial!important;position:fixed!important;top:-9px!important;width:0!important;height:0!important;visibility:hidden!important";

/** Attribute of mounted iframes. Pages that are kept for the way back, as by Turbo and htmx, contain copies of the iframes. */
const MOUNTED = "data-availability-bridge";

/** Start of the attribute's value: the same for all copies of the package in the present page. */
const PAGE = `${performance.timeOrigin}/`;

/** Value of the attribute in iframes of this copy of the package. Of other copies, such as in Salesforce, the iframes stay. */
const MOUNTER = PAGE + Math.random();

const mounted = new WeakSet<Element>();

/** Finds the mounted iframes in the document or an element, and their copies. */
export function findMounted(root: ParentNode): NodeListOf<Element> {
  return root.querySelectorAll(`[${MOUNTED}]`);
}

/** Removes copies of mounted iframes from the document, and an iframe of the fast snippet that no connector took: each loads the widget. */
export function removeCopies(): void {
  for (const frame of findMounted(document)) {
    const mounter = frame.getAttribute(MOUNTED);
    if (mounter === MOUNTER ? !mounted.has(frame) : !mounter?.startsWith(PAGE)) frame.parentNode?.removeChild(frame);
  }
}

/** Makes an iframe a mounted one: all but its permissions, its address and its place. */
export function dressFrame(frame: HTMLIFrameElement, container: Element | undefined, title = "Phone"): void {
  mounted.add(frame);
  frame.setAttribute(MOUNTED, MOUNTER);
  frame.title = title;
  // The address of the customer's page may name a person: the widget must not receive it.
  frame.referrerPolicy = "no-referrer";
  // No `allow` attribute, so no powerful feature: the widget needs no microphone to show an availability.
  // By CSSOM, which a policy for styles does not forbid. Some pages have a rule that hides iframes.
  frame.style.cssText = container ? "display:block;border:0;width:100%;height:100%" : INVISIBLE;
  if (!container) {
    frame.tabIndex = -1;
    frame.setAttribute("aria-hidden", "true");
  }
}

/**
 * Appends an iframe for the widget to the container, which need not be in the document: the iframe loads when it is. Without a
 * container the iframe is invisible in the page.
 *
 * @throws {TypeError} when the page refuses the invisible iframe; the message asks for a container.
 */
export function mountFrame(src: URL, container: Element | undefined, title?: string): HTMLIFrameElement {
  let frame = document.createElement("iframe");
  try {
    // By attribute, since jsdom has no `sandbox` property.
    frame.setAttribute("sandbox", SANDBOX.join(" "));
  } catch {
    // Salesforce forbids `allow-same-origin`, without which there is no widget, and to take a `sandbox` off again.
    frame = document.createElement("iframe");
  }
  dressFrame(frame, container, title);
  frame.src = src.href;
  try {
    // A script in the head runs before there is a body. A page may have removed even its root. Not `document.body`, which an iframe
    // or a form of this name would hide.
    (container ?? document.querySelector("body") ?? document.documentElement)?.append(frame);
  } catch (error) {
    // Salesforce lets a component append to its own elements alone.
    throw container
      ? error
      : new TypeError(`container: expected, since this page refuses a hidden iframe: ${Object(error).message}`);
  }
  return frame;
}

/** Checks that an element is in this document, and neither in a detached tree nor in another window's document. */
export function isInDocument(element: Element): boolean {
  return element.isConnected && element.ownerDocument === document;
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
  const sandbox = frame?.sandbox;
  if (
    frame?.contentWindow &&
    frame.ownerDocument === document &&
    (!sandbox?.length || SANDBOX.every((token) => sandbox.contains(token)))
  )
    return;
  throw new TypeError(`frame: expected an iframe in this document, with a sandbox of ${SANDBOX.join(" and ")} or none`);
}
