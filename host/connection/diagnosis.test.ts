/** Message of `WIDGET_UNAVAILABLE` by evidence. `e2e/specs/blamed-causes.spec.ts` has the evidence of real browsers. */
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { createDiagnosis, readOrigin } from "./diagnosis.ts";

const SRC = new URL("https://widget.example.com/widget/?token=secret");
const START = "No widget answered at https://widget.example.com/widget/. Check that";
const ADDRESS = `${START} it is a widget's address, ending in /widget/, that`;
const NETWORK = "it can be reached and the local network is allowed";
const LIST = "the vendor allows https://crm.example.com and https://portal.example.com";
const POLICY = "this page's CSP has https://widget.example.com in frame-src";
const PLACE = "its frame is in this document, and scrolled to if it is lazy";
const ALL = `${ADDRESS} ${NETWORK}, that ${LIST}, and that ${POLICY}`;

/** Events as a browser sends them. */
const LOAD = new Event("load");
const violation = (effectiveDirective: string, blockedURI = "https://widget.example.com", disposition = "enforce") =>
  Object.assign(new Event("securitypolicyviolation"), { effectiveDirective, blockedURI, disposition });

interface TestDiagnosisOptions {
  /** The page's own iframe, reduced to the members that are read. */
  readonly ownFrame?: object;
  readonly container?: object;
  readonly ancestorOrigins?: readonly string[] | undefined;
}

/** Creates a diagnosis in the page https://crm.example.com, whose probes the test answers. */
function createTestDiagnosis(options: TestDiagnosisOptions = {}) {
  const { ownFrame, container, ancestorOrigins = ["https://portal.example.com"] } = options;
  const probes: { answer(): void; fail(): void }[] = [];
  const fetch = vi.fn(
    () =>
      new Promise<void>((resolve, reject) => {
        probes.push({ answer: resolve, fail: () => reject(new TypeError("Failed to fetch")) });
      }),
  );
  vi.stubGlobal("window", {
    origin: "https://crm.example.com",
    location: { origin: "https://crm.example.com", ...(ancestorOrigins && { ancestorOrigins }) },
  });
  vi.stubGlobal("document", DOCUMENT);
  vi.stubGlobal("fetch", fetch);
  onTestFinished(() => void vi.unstubAllGlobals());
  const diagnosis = createDiagnosis(
    SRC,
    ownFrame as HTMLIFrameElement | undefined,
    () => (ownFrame ?? container) as Element | undefined,
  );
  return {
    ...diagnosis,
    fetch,
    async answerProbe(): Promise<void> {
      probes.at(-1)?.answer();
      await Promise.resolve();
    },
    async failProbe(): Promise<void> {
      probes.at(-1)?.fail();
      await Promise.resolve();
    },
  };
}

const DOCUMENT = {};
const IN_PLACE = { isConnected: true, ownerDocument: DOCUMENT };

test("an iframe that has loaded nothing has not reached its address", () => {
  expect(createTestDiagnosis().describe()).toBe(`${ADDRESS} ${NETWORK}`);
});

test("a load without a widget leaves every cause, until a probe has shown whether the address is reached", async () => {
  const { learn, describe, answerProbe, failProbe, probe } = createTestDiagnosis();
  learn(LOAD);
  probe();
  expect(describe()).toBe(ALL);
  await failProbe();
  expect(describe()).toBe(`${ADDRESS} ${NETWORK}`);
  learn(LOAD);
  probe();
  await answerProbe();
  expect(describe()).toBe(`${ADDRESS} ${LIST}`);
});

test("a load alone is not probed: the SYN of a widget may come after it", () => {
  const { learn, describe, fetch } = createTestDiagnosis();
  learn(LOAD);
  expect(fetch).not.toHaveBeenCalled();
  expect(describe()).toBe(ALL);
});

test("a failed attempt that has loaded nothing is not probed", () => {
  const { fetch, probe } = createTestDiagnosis();
  probe();
  expect(fetch).not.toHaveBeenCalled();
});

test("a connection makes the evidence of earlier attempts void", async () => {
  const { learn, describe, answerProbe, probe, forget } = createTestDiagnosis();
  learn(LOAD);
  probe();
  await answerProbe();
  forget();
  expect(describe()).toBe(`${ADDRESS} ${NETWORK}`);
});

test("a policy that forbids the frame is the cause, and nothing is probed", () => {
  const { learn, describe, fetch, probe } = createTestDiagnosis();
  learn(violation("frame-src", "https://widget.example.com/widget/"));
  learn(LOAD);
  probe();
  expect(describe()).toBe(`${START} ${POLICY}`);
  expect(fetch).not.toHaveBeenCalled();
});

test("a policy that forbids the frame is the cause, also if the browser reports it late, after a load and the probe", async () => {
  const { learn, describe, failProbe, probe } = createTestDiagnosis();
  learn(LOAD);
  probe();
  learn(violation("frame-src"));
  learn(violation("connect-src"));
  await failProbe();
  expect(describe()).toBe(`${START} ${POLICY}`);
});

test.each([
  ["only reports", violation("frame-src", "https://widget.example.com", "report")],
  ["forbids another frame", violation("frame-src", "https://other.example.com")],
  ["forbids a frame whose origin begins with the widget's", violation("frame-src", "https://widget.example.com.au")],
  ["forbids a frame of another port", violation("frame-src", "https://widget.example.com:8443")],
])("a policy that %s is not the cause", (_what, event) => {
  const { learn, describe } = createTestDiagnosis();
  learn(event);
  expect(describe()).toBe(`${ADDRESS} ${NETWORK}`);
});

test("a policy that forbids the probe leaves every cause, and is not asked again", async () => {
  const { learn, describe, failProbe, fetch, probe } = createTestDiagnosis();
  learn(LOAD);
  probe();
  learn(violation("connect-src"));
  await failProbe();
  expect(describe()).toBe(ALL);
  learn(LOAD);
  probe();
  expect(fetch).toHaveBeenCalledOnce();
});

test("a page's own iframe that loaded before the connector came leaves every cause", () => {
  const ownFrame = { ...IN_PLACE, loading: "eager" };
  expect(createTestDiagnosis({ ownFrame }).describe()).toBe(ALL);
});

test.each([
  ["lazy iframe that has not loaded", { ownFrame: { ...IN_PLACE, loading: "lazy" } }],
  ["iframe of the page's own outside the document", { ownFrame: { ...IN_PLACE, isConnected: false } }],
  ["container outside the document", { container: { ...IN_PLACE, isConnected: false } }],
  ["container in another document", { container: { ...IN_PLACE, ownerDocument: {} } }],
])("a %s is the cause", (_what, options) => {
  expect(createTestDiagnosis(options).describe()).toBe(`${START} ${PLACE}`);
});

test("a lazy iframe that has loaded a page without a widget is not to be scrolled to", async () => {
  const { learn, describe, answerProbe, probe } = createTestDiagnosis({ ownFrame: { ...IN_PLACE, loading: "lazy" } });
  learn(LOAD);
  probe();
  await answerProbe();
  expect(describe()).toBe(`${ADDRESS} ${LIST}`);
});

test("a browser that names no pages around the page leaves them out", async () => {
  const { learn, describe, answerProbe, probe } = createTestDiagnosis({ ancestorOrigins: [] });
  learn(LOAD);
  probe();
  await answerProbe();
  expect(describe()).toBe(`${ADDRESS} the vendor allows https://crm.example.com`);
});

test("no message has the query of the address, and a probe hides the page's address", () => {
  const { learn, describe, fetch, probe } = createTestDiagnosis();
  learn(LOAD);
  probe();
  expect(describe()).not.toContain("secret");
  expect(fetch).toHaveBeenCalledExactlyOnceWith(SRC, {
    method: "HEAD",
    mode: "no-cors",
    referrerPolicy: "no-referrer",
  });
});

const CRM = "https://crm.example.com";

test.each<[string, { origin: unknown; address: string }, string]>([
  ["on a site", { origin: CRM, address: CRM }, CRM],
  ["with a variable `origin` that is a city", { origin: "Berlin", address: CRM }, CRM],
  ["with a variable `origin` that is another address", { origin: "https://maps.example.com", address: CRM }, CRM],
  ["with a variable `origin` that is a place on a map", { origin: { lat: 52, lng: 13 }, address: CRM }, CRM],
  ["in happy-dom, without `window.origin`", { origin: undefined, address: CRM }, CRM],
  ["in a sandbox of its own", { origin: "null", address: CRM }, "null"],
  ["of a file", { origin: "null", address: "file://" }, "null"],
  ["of a `srcdoc`", { origin: CRM, address: "null" }, CRM],
  ["of a `srcdoc` in an app", { origin: "capacitor://localhost", address: "null" }, "capacitor://localhost"],
  ["of a `srcdoc` with a variable `origin`", { origin: { lat: 52 }, address: "null" }, "[object Object]"],
])("reads the origin of a page %s", (_what, { origin, address }, expected) => {
  vi.stubGlobal("window", { origin, location: { origin: address } });
  vi.stubGlobal("self", { origin: "https://leaked.example.com", location: {} });
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(readOrigin()).toBe(expected);
});

test("docs/it-does-not-work.md has a row for each thing to check, and no other", () => {
  const [, section = ""] = readFileSync("docs/it-does-not-work.md", "utf8").split("\n## No widget answered\n");
  const [own = ""] = section.split("\n## ");
  const rows = Array.from(own.matchAll(/^\| `([^`]+)` \|/gm), ([, quoted = ""]) => quoted);
  expect(rows).toEqual([
    POLICY.replace("https://widget.example.com", "…"),
    "it is a widget's address, ending in /widget/",
    "the vendor allows …",
    NETWORK,
    PLACE,
  ]);
});
