/** Runs the examples of docs/gateway-http.md exactly as on the page. */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { parseArgs } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { createTokenVerifier } from "../auth/verify-token.ts";
import { serveGateway } from "../serve.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { TEST_FILES } from "./test-build.ts";
import { availabilityServiceOver, testCustomers, throwDefect } from "./test-gateway.ts";
import { mint, NOW_MS, SECRET_SETTINGS } from "./test-tokens.ts";

const page = readFileSync("docs/gateway-http.md", "utf8");

/** Each command, with the response that the page shows below the command. */
const EXAMPLES = [...page.matchAll(/```sh\n(curl .*)\n```\n+```http\n([\s\S]*?)\n```/g)].map(
  ([, command = "", answer = ""]) => ({
    command,
    answer,
  }),
);

/** Version of the agent on the page, and the time of that version. */
const PAGE_MS = 1_760_000_000_000;

/** Creates a gateway with 123 as the only agent, as on the page. Any token is the operator's. */
async function serve() {
  const time = { wallMs: PAGE_MS };
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 0 } });
  time.wallMs += 1;
  const tokenClock = { wallMs: () => NOW_MS, monotonicMs: () => 0 };
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    {
      customers: await testCustomers({
        id: "acme",
        availabilities: availabilityServiceOver(store, clock),
        access: {
          verify: createTokenVerifier(SECRET_SETTINGS, "acme", { clock: tokenClock }),
          anonymousReads: false,
        },
      }),
      files: TEST_FILES,
      onDefect: throwDefect,
    },
  );
  onTestFinished(gateway.close);
  return gateway.origin;
}

interface Answer {
  readonly head: string;
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

/** Runs a command as curl would, with the options that the page uses. Ends a stream once the shown events have come. */
function curl(command: string, origin: string, token: string, shown: string): Promise<Answer> {
  const words = [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => {
    return single ?? double?.replace("$TOKEN", token) ?? bare ?? "";
  });
  const { values, positionals } = parseArgs({
    args: words.slice(1),
    allowPositionals: true,
    options: {
      include: { type: "boolean", short: "i" },
      "no-buffer": { type: "boolean", short: "N" },
      request: { type: "string", short: "X", default: "GET" },
      header: { type: "string", short: "H", multiple: true, default: [] },
      data: { type: "string", short: "d", default: "" },
    },
  });
  const url = new URL((positionals[0] ?? "").replace("http://127.0.0.1:4100", origin));
  const headers = values.header.map((line): [string, string] => [
    line.replace(/:.*/, ""),
    line.replace(/^[^:]*: /, ""),
  ]);
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: values.request, headers: Object.fromEntries(headers) }, (response) => {
      let body = "";
      const head = `HTTP/1.1 ${response.statusCode} ${response.statusMessage}`;
      const done = (): void => {
        const header = (name: string): string | undefined => String(response.headers[name.toLowerCase()] ?? "");
        resolve({ head, header, body: body.trimEnd() });
      };
      response.setEncoding("utf8").on("data", (part) => {
        body += part;
        if (!values["no-buffer"] || body.split("\n\n").length <= shown.split("\n\n").length) return;
        done();
        response.destroy();
      });
      response.on("end", done);
    });
    asking.on("error", reject);
    asking.end(values.data);
  });
}

test("the page has an example of each call", () => {
  expect(EXAMPLES).toHaveLength(10);
});

/** Replaces each gateway's own cursor with the cursor on the page. */
const CURSOR = "5f0c9a-17";

test("every example is answered as the page shows", async () => {
  const origin = await serve();
  const list = await fetch(`${origin}/v1/availabilities`, { headers: { Authorization: `Bearer ${await mint()}` } });
  const { cursor } = await list.json();
  const token = await mint({ sub: "operator" });
  // In order, because one example makes a change.
  for (const { command, answer } of EXAMPLES) {
    const [top = "", ...rest] = answer.split("\n\n");
    const shown = rest.join("\n\n");
    const got = await curl(command.replace(CURSOR, cursor), origin, token, shown);
    const [head, ...fields] = top.split("\n");
    expect(got.head).toBe(head);
    for (const field of fields) {
      const [name = "", value] = field.split(": ");
      expect(`${name}: ${got.header(name)?.replace(cursor, CURSOR)}`).toBe(`${name}: ${value}`);
    }
    expect(got.body.replace(cursor, CURSOR)).toBe(shown);
  }
});
