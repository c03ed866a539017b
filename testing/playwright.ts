/**
 * Entry `availability-bridge/testing/playwright`: a fake widget for browser tests by `playwright`, `playwright-core` or
 * `@playwright/test`. Imports none of the three.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { FakeWidgetDocument, FakeWidgetSettings } from "./fake-widget-settings.ts";
import { refuseUnknownOptions } from "./refuse-unknown-options.ts";
import { createVendor, type VendorChange } from "./vendor.ts";
import type { VendorControls, VendorOptions } from "./vendor-controls.ts";

export type { GivenAvailabilities, GivenAvailability, StatusWithWrapUp } from "./given-availability.ts";
export type { PlannedError, RecordedRequest } from "./vendor-controls.ts";

/** Folder of the package's built files, relative to the built module: one name for each module format. */
declare const PACKAGE_FILES: string;

/** The members of Playwright's `BrowserContext` that the fake widget uses. */
export interface RoutedContext {
  route(address: (url: URL) => boolean, handle: (route: ContextRoute) => Promise<void>): Promise<unknown>;
  exposeBinding(
    name: string,
    call: (source: unknown, method: "record" | "plan" | "call", argument: unknown) => unknown,
  ): Promise<unknown>;
  pages(): readonly { frames(): readonly ContextFrame[] }[];
}

interface ContextRoute {
  request(): { url(): string; frame(): ContextFrame };
  fulfill(response: {
    readonly body: string;
    readonly contentType: string;
    readonly headers: Record<string, string>;
  }): Promise<void>;
  abort(errorCode: string): Promise<void>;
}

interface ContextFrame {
  url(): string;
  parentFrame(): ContextFrame | null;
  evaluate<Argument>(act: (argument: Argument) => void, argument: Argument): Promise<void>;
}

/** Options of `routeFakeWidget`. */
export interface FakeWidgetOptions extends VendorOptions {
  /** Exact origins of the pages that get an answer. @default the origin of every page */
  readonly allowedOrigins?: readonly string[];
}

/** The fake widget of a browser context, for the test to control. */
export interface FakeWidget extends Pick<VendorControls, "requests" | "reject" | "delay"> {
  /** As `setAvailability` of a test connector. Resolves when every document of the widget has the change. */
  setAvailability(...change: Parameters<VendorControls["setAvailability"]>): Promise<void>;
  /** As `removeUser` of a test connector. Resolves when every document of the widget has the change. */
  removeUser(userId: number): Promise<void>;
  /** As `expireSession` of a test connector. Resolves when every document of the widget knows. */
  expireSession(): Promise<void>;
  /**
   * Takes the widget away: open documents close the connection to the page, and new documents do not load. Requests are
   * rejected with `WIDGET_UNAVAILABLE` after the connector's `handshakeTimeoutMs`.
   */
  disconnect(): Promise<void>;
  /** Brings the widget back after `disconnect`. */
  reconnect(): Promise<void>;
}

const OPTIONS = ["availabilities", "userId", "allowedOrigins"];

/** Number of fake widgets so far. A context needs a name for each function. */
let contexts = 0;

/**
 * Serves a fake widget at the widget's address, and `embed.js` with its files beside it, to all pages of a browser context, without the
 * network. Call the function before the page opens: Playwright routes no frame of an open page.
 *
 * @param address The widget's address, as `src` of `connect`: absolute, ending in `/widget/`.
 * @throws {TypeError} when the address or an option has a wrong value, or an option is none of these; the message names the value.
 */
export async function routeFakeWidget(
  context: RoutedContext,
  address: string | URL,
  { availabilities, userId, allowedOrigins, ...others }: FakeWidgetOptions = {},
): Promise<FakeWidget> {
  refuseUnknownOptions("routeFakeWidget", others, OPTIONS);
  if (allowedOrigins !== undefined && !Array.isArray(allowedOrigins)) {
    throw new TypeError(`allowedOrigins: expected a list of origins, not ${JSON.stringify(allowedOrigins)}`);
  }
  const widgetAddress = parseAddress(address);
  const vendor = createVendor({ availabilities, userId });
  /** Files that the script tag loads. */
  const scripts = readdirSync(pathOf("")).filter((name) => /^embed\b.*\.js$/.test(name));
  contexts += 1;
  const binding = `availabilityBridgeTest${contexts}`;
  let isAway = false;
  const pending = new Set<Promise<void>>();

  await context.exposeBinding(binding, (_source, method, argument) =>
    // From the fake widget's document, which knows the type of each method's argument.
    vendor[method](argument as never),
  );
  await context.route(
    (url) => isWidget(url.href),
    async (route) => {
      if (isAway) return route.abort("connectionrefused");
      const origins = allowedOrigins ?? [originAround(route.request().frame())];
      await serve(route, "text/html", createDocument({ binding, allowedOrigins: origins, userId }));
    },
  );
  await context.route(
    (url) => findScript(url) !== undefined,
    async (route) => {
      const script = findScript(new URL(route.request().url()));
      if (isAway || script === undefined) return route.abort("connectionrefused");
      await serve(route, "text/javascript", readPackageFile(script));
    },
  );
  vendor.subscribe((change) => void tell("announce", change));

  /** True for the widget's address with any query. */
  function isWidget(href: string): boolean {
    return href.replace(/[?#].*/, "") === widgetAddress.href;
  }

  /** Returns the name of the package's file that the script tag loads from an address. */
  function findScript({ origin, pathname }: URL): string | undefined {
    const folder = new URL("..", widgetAddress);
    if (origin !== folder.origin || !pathname.startsWith(folder.pathname)) return undefined;
    return scripts.find((name) => name === pathname.slice(folder.pathname.length));
  }

  /** Calls a function of each document of the widget. */
  function tell(action: keyof FakeWidgetDocument, change?: VendorChange): Promise<void> {
    const frames = context.pages().flatMap((page) => page.frames().filter((frame) => isWidget(frame.url())));
    const told = Promise.all(
      frames.map((frame) =>
        frame
          .evaluate(
            (call) => {
              const controls: FakeWidgetDocument | undefined = Reflect.get(globalThis, call.name);
              if (call.action !== "announce") controls?.[call.action]();
              else if (call.change) controls?.announce(call.change);
            },
            { name: `${binding}Document`, action, change },
          )
          // A document that unloads or loads has no functions. Each document begins with a snapshot.
          .catch(() => {}),
      ),
    ).then(() => {});
    pending.add(told);
    return told.finally(() => pending.delete(told));
  }

  /** Changes the vendor, and waits for the delivery of the change. */
  async function change(act: () => void): Promise<void> {
    act();
    await Promise.all(pending);
  }

  const { requests, reject, delay } = vendor;
  return {
    requests,
    reject,
    delay,
    setAvailability: (...given) => change(() => vendor.setAvailability(...given)),
    removeUser: (id) => change(() => vendor.removeUser(id)),
    expireSession: () => change(vendor.expireSession),
    disconnect() {
      isAway = true;
      return tell("disconnect");
    },
    reconnect() {
      isAway = false;
      return tell("reconnect");
    },
  };
}

/** Returns the path of a file of the package, or of the folder for an empty name. */
function pathOf(name: string): string {
  return path.join(import.meta.dirname, PACKAGE_FILES, name);
}

function readPackageFile(name: string): string {
  return readFileSync(pathOf(name), "utf8");
}

function parseAddress(address: string | URL): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.pathname.endsWith("/widget/") && !url.search && !url.hash)
    return url;
  throw new TypeError(`address: expected an absolute http(s) address ending in /widget/, not ${address}`);
}

/** Returns the origin of the page around the frame. A `srcdoc` or blank page has the origin of the page around. */
function originAround(frame: ContextFrame): string {
  const page = frame.parentFrame();
  if (!page) return "null";
  const { origin, protocol } = new URL(page.url());
  return protocol === "about:" ? originAround(page) : origin;
}

function createDocument(settings: FakeWidgetSettings): string {
  const attribute = JSON.stringify(settings).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const code = readPackageFile("fake-widget.js").replaceAll("</script", "<\\/script");
  return `<!doctype html><meta charset="utf-8"><title>Fake widget</title><script data-settings="${attribute}">${code}</script>`;
}

/** Sends a file with the headers of the vendor's server. */
function serve(route: ContextRoute, contentType: string, body: string): Promise<void> {
  const headers = { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" };
  return route.fulfill({ body, contentType: `${contentType}; charset=utf-8`, headers });
}
