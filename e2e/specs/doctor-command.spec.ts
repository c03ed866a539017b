/** `npx availability-bridge doctor` as a process: each test makes one fault, and reads the sentence and the exit code. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { Finding } from "../../host/doctor.ts";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";
import { canBuffer, startBufferingProxy } from "../fixtures/buffering-proxy.ts";
import { secondsFromNow, startRewritingProxy, startTokenGateway, withoutHeaders } from "../fixtures/doctor-sites.ts";
import { test as base, expect } from "../fixtures/fixtures.ts";

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

interface JsonReport {
  readonly page: string;
  readonly widget: string;
  readonly isHealthy: boolean;
  readonly findings: readonly Finding[];
}

interface Examination extends JsonReport {
  readonly code: number | null;
  readonly output: string;
}

interface CommandFixtures {
  /** Runs the command in the browser of the test. */
  readonly runDoctor: (...args: readonly string[]) => Promise<Run>;
  /** Runs the command with `--json`. */
  readonly examine: (page: string, widget: string, ...options: readonly string[]) => Promise<Examination>;
}

const test = base.extend<CommandFixtures>({
  runDoctor: async ({ launchOptions, browserName }, use) => {
    const { executablePath, env } = launchOptions;
    await use(async (...args) => {
      const own = ["--browser", browserName, ...(executablePath ? ["--browser-path", executablePath] : [])];
      const child = spawn(process.execPath, ["dist/cli.js", "doctor", ...args, ...own], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
      const [code, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
      return { code, output, errors };
    });
  },
  examine: async ({ runDoctor }, use) => {
    await use(async (page, widget, ...options) => {
      const { code, output, errors } = await runDoctor(page, widget, "--json", ...options);
      expect(errors).toBe("");
      return { code, output, ...(JSON.parse(output) as JsonReport) };
    });
  },
});

// Each test starts one or several browsers of its own.
test.setTimeout(120_000);

const PAGE = '<!doctype html><html lang="en"><title>CRM</title><link rel="icon" href="data:,"><p>Contacts';

/** The only finding of an examination that has failed. A note is about the browser. */
function only({ code, isHealthy, findings }: Examination): Finding {
  const faults = findings.filter(({ severity }) => severity !== "note");
  expect(faults).toEqual([expect.anything()]);
  expect([code, isHealthy]).toEqual([1, false]);
  const [finding] = faults;
  if (!finding) throw new Error("There is no finding");
  return finding;
}

test("control: a page that works has no fault and the exit code 0, as text and as JSON, and a note if the browser denies the widget its storage", async ({
  runDoctor,
  examine,
  page: tab,
  host,
  gateway,
}) => {
  const page = host.serve(`${PAGE}<script async src="${gateway.origin}/embed.js"></script>`);
  const widget = `${gateway.origin}/widget/`;
  const { code, output, errors } = await runDoctor(`${page}?person=7`, widget);
  expect([code, errors]).toEqual([0, ""]);
  expect(output).toMatch(new RegExp(`^Page    ${page}\nWidget  ${widget}\n`));
  expect(output).toMatch(/\nThe widget and its gateway answer this page\. Nothing is wrong\.\n$/);
  const report = await examine(`${page}?person=7`, `${widget}?x=1`);
  expect(report).toMatchObject({ code: 0, page, widget, isHealthy: true });
  // The browser of the test itself says whether it denies storage: Debian's Chromium does, and Firefox does not.
  await tab.goto(host.serve(`${PAGE}<iframe src="${widget}"></iframe>`));
  const isDenied = tab.frames()[1]?.evaluate(() => {
    try {
      localStorage.getItem("");
      return false;
    } catch {
      return true;
    }
  });
  expect(report.findings.map(({ code: name }) => name)).toEqual((await isDenied) ? ["shared-worker-denied"] : []);
});

test("the origin of a page that the gateway does not allow @once", async ({ examine, host }) => {
  const gateway = await startGatewayProcess(
    { GATEWAY_PORT: "0", ALLOWED_ORIGINS: "https://crm.example.com" },
    () => {},
  );
  expect(only(await examine(host.serve(PAGE), `${gateway.origin}/widget/`))).toEqual({
    code: "origin-not-allowed",
    severity: "error",
    message: `The gateway does not allow the page's origin ${host.origin}. Add ${host.origin} to ALLOWED_ORIGINS, or to allowedOrigins of the customer; http and https, another port, and www. are other origins.`,
    change: { of: "gateway", name: "ALLOWED_ORIGINS", value: host.origin },
  });
  await gateway.stop();
});

test("a frame-ancestors that a proxy has changed @once", async ({ examine, host, gateway }) => {
  const proxy = await startRewritingProxy(gateway.origin, (headers) => ({
    ...headers,
    ...(headers["content-security-policy"] && { "content-security-policy": "frame-ancestors 'self'" }),
  }));
  expect(only(await examine(host.serve(PAGE), `${proxy.origin}/widget/`))).toMatchObject({
    code: "frame-ancestors",
    message: `The gateway allows the page's origin ${host.origin}, and frame-ancestors of the widget's Content-Security-Policy does not: a proxy has changed the header. Pass the gateway's own header on, or add ${host.origin} to frame-ancestors.`,
    change: { of: "proxy", name: "Content-Security-Policy", value: `frame-ancestors ${host.origin}` },
  });
  await proxy.close();
});

test("an X-Frame-Options of a proxy, which a browser heeds only without frame-ancestors @once", async ({
  examine,
  host,
  gateway,
}) => {
  const ignored = await startRewritingProxy(gateway.origin, (headers) => ({ ...headers, "x-frame-options": "DENY" }));
  expect(await examine(host.serve(PAGE), `${ignored.origin}/widget/`)).toMatchObject({ code: 0, isHealthy: true });
  await ignored.close();
  const proxy = await startRewritingProxy(gateway.origin, (headers) => ({
    ...withoutHeaders(headers, "content-security-policy"),
    "x-frame-options": "SAMEORIGIN",
  }));
  expect(only(await examine(host.serve(PAGE), `${proxy.origin}/widget/`))).toMatchObject({
    code: "x-frame-options",
    message:
      "The widget's answer has X-Frame-Options: SAMEORIGIN, and the gateway's frame-ancestors is gone: a proxy has changed the headers. Remove X-Frame-Options, and pass Content-Security-Policy on.",
  });
  await proxy.close();
});

test("a page's policy that lacks frame-src, script-src or the source of tokens @once", async ({
  examine,
  host,
  gateway,
}) => {
  const tag = `${PAGE}<script src="${gateway.origin}/embed.js" data-token-url="/token"></script>`;
  const widget = `${gateway.origin}/widget/`;
  const policies = [
    [`script-src ${gateway.origin}; frame-src 'none'`, "csp-frame-src", `Add ${gateway.origin} to frame-src`],
    [`script-src 'self'; frame-src ${gateway.origin}`, "csp-script-src", `Add ${gateway.origin} to script-src`],
    [`connect-src 'none'`, "csp-connect-src", "Add 'self' to connect-src of the header Content-Security-Policy."],
  ] as const;
  for (const [policy, code, part] of policies) {
    // A badge makes the page ask for its token.
    const page = host.serve(`${tag}<availability-badge user-id="123"></availability-badge>`, {
      "content-security-policy": policy,
    });
    expect(only(await examine(page, widget))).toMatchObject({ code, message: expect.stringContaining(part) });
  }
});

test("a page's policy of default-src alone gets whole directives, with which its own scripts still run @once", async ({
  page,
  examine,
  host,
  gateway,
}) => {
  const own = host.serve("document.title = 'own script has run'", { "content-type": "text/javascript" });
  const body = `${PAGE}<script src="${own}"></script><script src="${gateway.origin}/embed.js" data-token-url="${gateway.origin}/token"></script><availability-badge user-id="123"></availability-badge>`;
  const widget = `${gateway.origin}/widget/`;
  const policy = "default-src 'self'";
  const { findings } = await examine(host.serve(body, { "content-security-policy": policy }), widget);
  const directives = ["script-src", "frame-src", "connect-src"].map((name) => `${name} 'self' ${gateway.origin}`);
  expect(new Set(findings.map(({ change }) => change?.value))).toEqual(new Set(directives));
  for (const { message, change } of findings) {
    expect(message).toContain("so that default-src applies. Add to the header Content-Security-Policy the directive ");
    expect(message).toContain(change?.value ?? "no value");
  }
  const mended = host.serve(body, { "content-security-policy": [policy, ...directives].join("; ") });
  const remaining = await examine(mended, widget);
  expect(remaining.findings.filter(({ change }) => change?.name === "Content-Security-Policy")).toEqual([]);
  await page.goto(mended);
  await expect(page).toHaveTitle("own script has run");
});

test("a page with trusted types whose code gives a script the address as a text @once", async ({
  examine,
  host,
  gateway,
}) => {
  const code = `document.head.append(Object.assign(document.createElement("script"), { src: "${gateway.origin}/embed.js" }))`;
  const page = host.serve(`${PAGE}<script>${code}</script>`, {
    "content-security-policy": "require-trusted-types-for 'script'",
  });
  expect(only(await examine(page, `${gateway.origin}/widget/`)).code).toBe("csp-trusted-types");
});

test("a sandbox without the flags that the widget needs, on its iframe and on the page @once", async ({
  examine,
  host,
  gateway,
}) => {
  const widget = `${gateway.origin}/widget/`;
  const framed = host.serve(`${PAGE}<iframe sandbox="allow-scripts" src="${widget}"></iframe>`);
  expect(only(await examine(framed, widget))).toMatchObject({
    code: "sandbox-flags",
    change: { of: "iframe", name: "sandbox", value: "allow-scripts allow-same-origin" },
  });
  const sandboxed = host.serve(PAGE, { "content-security-policy": "sandbox allow-scripts" });
  expect(only(await examine(sandboxed, widget)).code).toBe("page-origin-null");
});

for (const header of ["Cross-Origin-Embedder-Policy", "Cross-Origin-Resource-Policy"]) {
  test(`an isolated page, and a proxy that removes ${header} from the widget @once`, async ({
    examine,
    host,
    gateway,
  }) => {
    const proxy = await startRewritingProxy(gateway.origin, (headers) => withoutHeaders(headers, header.toLowerCase()));
    const page = host.serve(PAGE, {
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-opener-policy": "same-origin",
    });
    const value = header.includes("Embedder") ? "require-corp" : "cross-origin";
    expect(only(await examine(page, `${proxy.origin}/widget/`))).toMatchObject({
      code: "embedder-policy",
      message: `This page has Cross-Origin-Embedder-Policy: require-corp, and the widget's answer lacks ${header}: ${value}, which the gateway sends: a proxy has removed the header. Pass the header on.`,
      change: { of: "proxy", name: header, value },
    });
    await proxy.close();
  });
}

test("a wrong path, another page, and a script's address that is none @once", async ({ examine, host, gateway }) => {
  const page = host.serve(PAGE);
  expect(only(await examine(page, `${gateway.origin}/wigdet/?key=s3cret`))).toMatchObject({
    code: "wrong-path",
    message: `The widget's address ${gateway.origin}/wigdet/ answers with status 404. Correct the address: it ends in /widget/, and begins as the script's address does before embed.js.`,
  });
  expect(only(await examine(page, page))).toMatchObject({
    code: "not-a-widget",
    message: expect.stringMatching(/ shows another page \(text\/html; charset=utf-8\) and not the widget\. /),
  });
  const tagged = host.serve(`${PAGE}<script async src="${gateway.origin}/widget.js"></script>`);
  expect(only(await examine(tagged, `${gateway.origin}/widget/`))).toMatchObject({
    code: "script-wrong-path",
    message: expect.stringContaining(`${gateway.origin}/widget.js answers with status 404. `),
  });
});

test("an address where nobody listens, of the widget and of the page @once", async ({ examine, host, gateway }) => {
  const nobody = `http://127.0.0.1:${await findFreePort()}`;
  expect(only(await examine(host.serve(PAGE), `${nobody}/widget/`))).toMatchObject({
    code: "gateway-unreachable",
    message: `Nothing answers at ${nobody}/widget/ (ECONNREFUSED). Start the gateway, or correct the address: the name, the port, the network and the proxy before the gateway.`,
  });
  const report = await examine(`${nobody}/contacts?key=s3cret`, `${gateway.origin}/widget/`);
  expect(report.findings.map(({ code }) => code)).toContain("page-unreachable");
  expect(report.output).toContain(
    `The browser does not open the page ${nobody}/contacts (net::ERR_CONNECTION_REFUSED)`,
  );
  expect(report.output).not.toContain("s3cret");
  const { findings } = await examine(`${gateway.origin}/none`, `${gateway.origin}/widget/`);
  expect(findings.map(({ message }) => message)).toContain(
    `The page ${gateway.origin}/none answers with status 404, so that another page was examined. Give the address of a page that opens without a sign-in.`,
  );
});

test("a certificate that nobody has signed @once", async ({ examine, host }) => {
  test.skip(findServer("openssl") === undefined, "openssl is not here");
  const directory = mkdtempSync(path.join(tmpdir(), "doctor-"));
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
  const options = ["req", "-x509", "-days", "2", ...subject, ...key, "-out", "certificate.pem"];
  spawnSync(findServer("openssl") ?? "", options, { cwd: directory });
  const read = (name: string): Buffer => readFileSync(path.join(directory, name));
  const server = createServer({ key: read("key.pem"), cert: read("certificate.pem") }, (_request, response) =>
    response.end("widget"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(only(await examine(host.serve(PAGE), `https://127.0.0.1:${port}/widget/`))).toMatchObject({
    code: "tls-error",
    message: expect.stringMatching(
      / is not accepted \(\w*SELF_SIGNED\w*\)\. Give the server a valid certificate for this name/,
    ),
  });
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

test("a proxy that buffers the stream, and one that does not @once", async ({ examine, host, gateway }) => {
  test.skip(!canBuffer, "nginx is not here");
  const proxy = await startBufferingProxy(gateway.origin);
  const page = host.serve(PAGE);
  expect(only(await examine(page, `${proxy.origin}/widget/`))).toMatchObject({
    code: "stream-buffered",
    severity: "warning",
    message: `The event stream at ${proxy.origin}/v1/availabilities/stream sends nothing within 5 s: a proxy buffers it, and changes come up to 18 s late. Switch buffering off there: in nginx, proxy_buffering off, or heed X-Accel-Buffering.`,
  });
  await proxy.stopBuffering();
  expect(await examine(page, `${proxy.origin}/widget/`)).toMatchObject({ code: 0, isHealthy: true });
  await proxy.close();
});

test("a gateway behind a proxy that passes the widget on, and not the API @once", async ({
  examine,
  host,
  backend,
}) => {
  const page = host.serve(PAGE);
  backend.answerWith({ status: 404, contentType: "text/html", text: "<h1>Not found</h1>" });
  expect(only(await examine(page, `${backend.origin}/widget/`))).toMatchObject({
    code: "api-not-passed",
    message: `The widget is loaded, and /v1/ at ${backend.origin} answers with status 404 and not as the gateway does: a proxy does not pass /v1/ on to the gateway. Pass it on.`,
  });
  backend.answerWith({ status: 503, body: { status: 503 } });
  expect(only(await examine(page, `${backend.origin}/widget/`))).toMatchObject({
    code: "backend-error",
    message: `${backend.origin}/v1/ answers with status 503: the gateway or the telephony system is away or overloaded. Wait, or tell the vendor the time and the X-Request-Id.`,
  });
});

test("two tags, of one release and of two @once", async ({ examine, host, gateway }) => {
  const { file } = JSON.parse(readFileSync("dist/embed.integrity.json", "utf8"));
  const tag = (name: string): string => `<script async src="${gateway.origin}/${name}"></script>`;
  const widget = `${gateway.origin}/widget/`;
  expect(only(await examine(host.serve(PAGE + tag("embed.js") + tag("embed.js")), widget)).code).toBe("double-load");
  expect(only(await examine(host.serve(PAGE + tag(file) + tag("embed.js")), widget)).code).toBe("mixed-releases");
});

test("a gateway that needs a token, and why it refuses one @once", async ({ examine, host }) => {
  const gateway = await startTokenGateway(host.origin);
  const widget = `${gateway.origin}/widget/`;
  const page = host.serve(PAGE);
  expect(only(await examine(page, widget))).toMatchObject({
    code: "token-missing",
    message:
      "The gateway needs a token, and got none. Set data-token-url on the script tag, or fetchToken of connect. For this command, give one by --token.",
  });
  const expired = await gateway.sign({ exp: secondsFromNow(-600) });
  const report = await examine(page, widget, "--token", expired);
  expect(only(report)).toMatchObject({
    code: "token-expired",
    message: expect.stringMatching(/^The token has expired 6\d\d s ago by the gateway's clock\. /),
  });
  expect(report.output).not.toContain(expired);
  expect(only(await examine(page, widget, "--token", await gateway.sign({ nbf: secondsFromNow(600) }))).code).toBe(
    "clock-skew",
  );
  expect(only(await examine(page, widget, "--token", await gateway.sign({ scope: "none" }))).code).toBe("token-scope");
  expect(await examine(page, widget, "--token", await gateway.sign())).toMatchObject({ code: 0, isHealthy: true });
  await gateway.stop();
});

test("clocks of the page's server and of the gateway that differ, if tokens are used @once", async ({
  examine,
  host,
}) => {
  const gateway = await startTokenGateway(host.origin);
  const page = host.serve(PAGE, { date: new Date(Date.now() + 300_000).toUTCString() });
  const report = await examine(page, `${gateway.origin}/widget/`, "--token", await gateway.sign());
  expect(only(report)).toMatchObject({
    code: "clock-skew",
    message: expect.stringMatching(
      /^The clock of the page's server is (?:2\d\d|30\d) s ahead of the gateway's, by the header Date of both\. Set the clocks/,
    ),
  });
  await gateway.stop();
});

test("a token is in the header Authorization alone: in no address, no output, and in no request to another site @once", async ({
  examine,
  host,
  backend,
  foreign,
}) => {
  const token = "s3cret-token-of-the-agent";
  const page = host.serve(`${PAGE}<img src="${foreign.origin}/picture.png" alt="">`);
  backend.answerWith({ status: 401, body: { status: 401, detail: "This call needs a valid token" } });
  const { output } = await examine(page, `${backend.origin}/widget/`, "--token", token);
  expect(output).not.toContain(token);
  const { calls } = backend;
  expect(calls.map(({ headers }) => headers.authorization)).toContain(`Bearer ${token}`);
  expect(calls.filter(({ path: address }) => address.includes(token))).toEqual([]);
  const elsewhere = [...host.requestsFor(page), ...foreign.requestsFor(`${foreign.origin}/picture.png`)];
  expect(elsewhere.length).toBeGreaterThan(1);
  expect(JSON.stringify(elsewhere)).not.toContain(token);
});

test("wrong arguments and a missing browser exit with 2 and say what was expected @once", async ({
  runDoctor,
  host,
}) => {
  const page = host.serve(PAGE);
  const cases = [
    [[page], "doctor: expected <page-url> and <widget-url>, not 1 address"],
    [[page, page, page], "doctor: expected <page-url> and <widget-url>, not 3 addresses"],
    [["crm.example.com", "https://widget.example.com/widget/"], "<page-url>: expected an absolute http(s) address"],
    [[page, "https://user:s3cret@widget.example.com/"], "<widget-url>: expected an absolute http(s) address"],
    [[page, "https://widget.example.com/embed.js"], "ending in /widget/, and not the script's"],
    [[page, page, "--token", "s3cret token"], "--token: expected a bearer token of 1 to 8192 characters"],
  ] as const;
  for (const [args, message] of cases) {
    const { code, output, errors } = await runDoctor(...args);
    expect([code, output]).toEqual([2, ""]);
    expect(errors).toContain(message);
    expect(errors).not.toContain("s3cret");
  }
});
