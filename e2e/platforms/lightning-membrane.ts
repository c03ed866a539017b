/**
 * A sandbox like Salesforce's Lightning Web Security: the open membrane, with the real sandbox's refusals for a
 * component with an iframe. Bundled into a page in the role of Salesforce's page. `run.mjs` has the real sandbox.
 */
import createVirtualEnvironment from "@locker/near-membrane-dom";

/** Functions and values that the code in the sandbox gets as globals. */
type Endowments = Readonly<Record<string, unknown>>;

/** Elements that belong to all components of the page. */
const isShared = (node: unknown): boolean =>
  [document.documentElement, document.head, document.body].some((element) => element === node);

const describeNode = (node: unknown): string => (node instanceof Node ? node.nodeName : String(node));

/** Any function of the page. */
type Native = (this: unknown, ...given: unknown[]) => unknown;

/** Replacements in the sandbox, by the function of the page. */
const distortions = new Map<unknown, Native>();

/** Calls `refuse`, which may throw, before each call of a method. */
function restrict(owner: object, name: string, refuse: (target: unknown, ...given: unknown[]) => void): void {
  const method: Native = Reflect.get(owner, name);
  distortions.set(method, function restricted(...given) {
    refuse(this, ...given);
    return Reflect.apply(method, this, given);
  });
}

/** Calls `refuse` before each read or write of a property. */
function restrictAccess(owner: object, name: string, refuse: (target: unknown, ...given: unknown[]) => void): void {
  const { get, set } = Object.getOwnPropertyDescriptor(owner, name) ?? {};
  for (const accessor of [get, set]) {
    if (!accessor) continue;
    distortions.set(accessor, function restricted(...given) {
      refuse(this, ...given);
      return Reflect.apply(accessor, this, given);
    });
  }
}

const refuse = (what: string): never => {
  throw new Error(`Lightning Web Security: ${what}`);
};

for (const [owner, name] of [
  [Element.prototype, "append"],
  [Element.prototype, "prepend"],
  [Node.prototype, "appendChild"],
  [Node.prototype, "insertBefore"],
] as const) {
  restrict(owner, name, (target, ...given) => {
    const refused = given.find((node) => node && !/^(SCRIPT|LINK)$/.test(describeNode(node)));
    if (isShared(target) && refused) refuse(`Cannot append ${describeNode(refused)} to ${describeNode(target)}.`);
  });
}

for (const { prototype } of [MutationObserver, ResizeObserver, IntersectionObserver]) {
  restrict(prototype, "observe", (_observer, target) => {
    if (isShared(target)) refuse(`Cannot observe mutations on shared element ${describeNode(target)}.`);
  });
}

/** Refuses a sandbox that keeps the origin of its document, after taking it back, as Lightning Web Security does. */
function refuseOrigin(frame: unknown, tokens: unknown): void {
  if (!(frame instanceof HTMLIFrameElement) || !String(tokens).includes("allow-same-origin")) return;
  frame.setAttribute("sandbox", String(tokens).replace("allow-same-origin", ""));
  refuse('HTMLIFrameElement.sandbox cannot be set to "allow-same-origin"');
}
restrict(Element.prototype, "setAttribute", (target, name, value) => {
  if (name === "sandbox") refuseOrigin(target, value);
});
restrictAccess(HTMLIFrameElement.prototype, "sandbox", (frame, value) => refuseOrigin(frame, value));
restrict(DOMTokenList.prototype, "add", (_list, ...tokens) => {
  if (tokens.includes("allow-same-origin")) refuse('DOMTokenList cannot accept "allow-same-origin" token');
});
restrict(Element.prototype, "removeAttribute", (target, name) => {
  if (target instanceof HTMLIFrameElement && name === "sandbox") {
    refuse("Cannot remove 'sandbox' attribute from HTMLIFrameElement.");
  }
});

restrictAccess(HTMLElement.prototype, "nonce", () => refuse("Cannot access nonce."));
restrict(EventTarget.prototype, "addEventListener", (_target, type) => {
  const name = String(type);
  if (/^(rejectionhandled|securitypolicyviolation|storage|unhandledrejection)$/.test(name))
    refuse(`Cannot add '${name}' event listener.`);
});

/**
 * Posts a copy, since the membrane's proxies cannot be cloned. The copy is made by JSON, which is all that the messages of the
 * product need.
 */
function copyMessage(post: Native): Native {
  return function copied(message, ...given) {
    const args = given.map((value) => (Array.isArray(value) ? [...value] : value));
    const copy: unknown = message === undefined ? message : JSON.parse(JSON.stringify(message));
    return Reflect.apply(post, this, [copy, ...args]);
  };
}

/** Each window of another origin has a function `postMessage` of its own. */
function distort(value: object): object {
  const distortion = distortions.get(value);
  if (distortion || typeof value !== "function" || value.name !== "postMessage") return distortion ?? value;
  const copying = copyMessage(function post(...given) {
    return Reflect.apply(value, this, given);
  });
  distortions.set(value, copying);
  return copying;
}

/**
 * Runs code in a new sandbox.
 *
 * @param script The script element whose code it is, for `document.currentScript`.
 */
export function runInSandbox(code: string, endowments: Endowments, script: HTMLScriptElement | null = null): void {
  distortions.set(Object.getOwnPropertyDescriptor(Document.prototype, "currentScript")?.get, () => script);
  createVirtualEnvironment(window, {
    distortionCallback: distort,
    endowments: Object.getOwnPropertyDescriptors(endowments),
    keepAlive: true,
  }).evaluate(code);
}
