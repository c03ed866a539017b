/** Arguments and report of the command `conformance`. e2e/specs/conformance.spec.ts runs the command in a browser. */
import { expect, test } from "vitest";
import { listen } from "../../../scripts/testing/local-server.ts";
import { CommandError } from "../command.ts";
import { runCommandLine } from "../run-command-line.ts";
import { openKitSite } from "./kit-site.ts";
import { explainMissingHandshake } from "./missing-handshake.ts";
import { isConforming, type Report, toJson, toTable } from "./report.ts";
import { checkRules, type Outcome, type Rule, skip, toOutcome } from "./rule.ts";
import { runRules } from "./run-rules.ts";

async function run(...args: readonly string[]) {
  const printed: string[] = [];
  const reported: string[] = [];
  const code = await runCommandLine(["conformance", ...args], {
    print: (text) => printed.push(text),
    report: (text) => reported.push(text),
  });
  return { code, printed: printed.join("\n"), reported: reported.join("\n") };
}

test.each([
  [[], "conformance: expected either --widget or --host"],
  [["--widget", "http://a.example/", "--host", "http://b.example/"], "expected either --widget or --host"],
  [["http://a.example/"], "http://a.example/: expected --widget or --host before an address"],
  [["--widget", "widget.html"], "--widget: expected an http or https address, not widget.html"],
  [["--host", "file:///page.html"], "--host: expected an http or https address, not file:///page.html"],
  [
    ["--widget", "http://a.example/", "--origin", "http://b.example/page"],
    "--origin: expected an origin such as http://b.example",
  ],
  [["--widget", "http://a.example/", "--embeds", "http://b.example/"], "--embeds: expected without --widget"],
  [["--host", "http://a.example/", "--token", "secret"], "--token: expected without --host"],
  [["--host", "http://a.example/", "--direct"], "--direct: expected without --host"],
  [
    ["--widget", "http://a.example/", "--only", "handshake,echoed-ids"],
    '--only: expected names of rules for a widget, not "echoed-ids". The nearest is echoed-id: docs/conformance.md lists',
  ],
  [
    ["--widget", "http://a.example/", "--only", "something-else-entirely"],
    '--only: expected names of rules for a widget, not "something-else-entirely": docs/conformance.md lists the rules',
  ],
  [
    ["--widget", "http://a.example/", "--only", "no-flood"],
    '--only: expected names of rules for a widget, not "no-flood", a rule for a page',
  ],
  [
    ["--host", "http://a.example/", "--only", "echoed-id"],
    '--only: expected names of rules for a page, not "echoed-id", a rule for a widget',
  ],
  [["--host", "http://a.example/", "--only", "handshake,"], '--only: expected names of rules for a page, not ""'],
])("%j is wrong, and exits with 2", async (args, message) => {
  const { code, printed, reported } = await run(...args);
  expect([code, printed]).toEqual([2, ""]);
  expect(reported).toContain(message);
  expect(reported).toContain("Usage: availability-bridge conformance (--widget URL | --host URL)");
  expect(reported).not.toContain("secret");
});

test("an address that nobody serves exits with 2, before a browser is opened", async () => {
  // Nobody serves the port for discarding what comes.
  const { code, reported } = await run("--widget", "http://127.0.0.1:9/widget/");
  expect(code).toBe(2);
  expect(reported).toMatch(/^http:\/\/127\.0\.0\.1:9\/widget\/ cannot be reached: /);
});

test("an origin whose port is taken is refused with the remedy", async () => {
  const { port, close } = await listen("localhost", (_request, response) => void response.end());
  await expect(openKitSite(`http://localhost:${port}`, "")).rejects.toThrow(
    `--origin: port ${port} of localhost is taken: stop what uses the port, or let the widget allow another origin`,
  );
  await close();
});

const ORIGIN = "http://localhost:4400";

test.each([
  [
    "a gateway that does not allow the kit's page",
    { "content-type": "text/html", "content-security-policy": "frame-ancestors https://crm.example.com" },
    `does not allow the kit's page ${ORIGIN}: its frame-ancestors has https://crm.example.com. Let the widget's gateway allow`,
  ],
  [
    "a gateway that allows the kit's page",
    { "content-type": "text/html", "content-security-policy": `frame-ancestors ${ORIGIN}` },
    `allows ${ORIGIN}, so that its script decides. Let the widget's gateway allow the origin ${ORIGIN}`,
  ],
  ["a document of another kind", { "content-type": "text/html" }, "as a document that is no widget does"],
  [
    "what is no document",
    { "content-type": "application/json" },
    "is no widget: expected a document of the type text/html, and application/json came",
  ],
])("without a handshake %s is told, without the address's query", async (_name, headers, sentence) => {
  const { port, close } = await listen("127.0.0.1", (_request, response) => response.writeHead(200, headers).end());
  const url = new URL(`http://127.0.0.1:${port}/widget/?key=secret`);
  const explanation = await explainMissingHandshake({ url, origin: ORIGIN });
  expect(explanation).toContain(sentence);
  expect(explanation).not.toContain("secret");
  await close();
});

function rule(id: string, level: "must" | "should", outcome: () => Outcome): Rule<null> {
  return { id, level, sentence: `It keeps ${id}.`, section: "envelope", check: async () => outcome() };
}

async function reportOf(...rules: readonly Rule<null>[]): Promise<Report> {
  return { side: "widget", url: "http://a.example/", results: await checkRules(rules, null, 2) };
}

const passes = rule("passes", "must", () => toOutcome([]));

test("a broken must does not conform, a broken should and a skipped must do", async () => {
  const broken = toOutcome(["It broke"]);
  expect(
    isConforming(
      await reportOf(
        passes,
        rule("r", "must", () => broken),
      ),
    ),
  ).toBe(false);
  expect(
    isConforming(
      await reportOf(
        passes,
        rule("r", "should", () => broken),
      ),
    ),
  ).toBe(true);
  expect(
    isConforming(
      await reportOf(
        passes,
        rule("r", "must", () => skip("Not there.")),
      ),
    ),
  ).toBe(true);
});

test("a check that finds wrong arguments ends the run", async () => {
  const wrong = rule("r", "must", () => {
    throw new CommandError("--click: expected another selector");
  });
  await expect(reportOf(wrong)).rejects.toThrow("--click: expected another selector");
});

test("the rules without a handshake are one line of the table, and each of them in the JSON", async () => {
  const handshake = rule("handshake", "must", () => toOutcome(["No handshake"]));
  const results = await runRules([handshake, passes, rule("also", "should", () => toOutcome([]))], null, () => true);
  const report: Report = { side: "widget", url: "http://a.example/", results };
  expect(toTable(report)).toBe(`FAIL  must    handshake  It keeps handshake.
                         No handshake
                         docs/protocol.md#envelope
SKIP  2 more: There was no handshake.

The widget http://a.example/ does not conform: 0 of 1 must, 0 of 0 should, 2 skipped`);
  expect(JSON.parse(toJson(report)).rules).toHaveLength(3);
});

test("a check that fails by itself is a broken rule with the error's first line", async () => {
  const { results } = await reportOf(
    rule("r", "must", () => {
      throw new Error("page closed\nat somewhere");
    }),
  );
  expect(results[0]?.outcome).toEqual({ result: "fail", faults: ["page closed"] });
});

test("the table has each rule in its order, the faults and the paragraph of broken ones, and the counts", async () => {
  const slow = {
    ...passes,
    id: "slow",
    check: () => new Promise<Outcome>((resolve) => setTimeout(resolve, 5, toOutcome([]))),
  };
  const report = await reportOf(
    slow,
    rule("broken", "must", () => toOutcome(["one", "two"])),
    rule("absent", "should", () => skip("Why.")),
  );
  expect(toTable(report)).toBe(`PASS  must    slow    It keeps passes.
FAIL  must    broken  It keeps broken.
                      one
                      two
                      docs/protocol.md#envelope
SKIP  should  absent  It keeps absent.
                      Why.

The widget http://a.example/ does not conform: 1 of 2 must, 0 of 0 should, 1 skipped`);
});

test("the JSON has each rule with its outcome, the counts and the verdict", async () => {
  const report = await reportOf(
    passes,
    rule("broken", "should", () => toOutcome(["one"])),
  );
  expect(JSON.parse(toJson(report))).toEqual({
    side: "widget",
    url: "http://a.example/",
    conforming: true,
    counts: { must: { pass: 1, fail: 0, skip: 0 }, should: { pass: 0, fail: 1, skip: 0 } },
    rules: [
      { id: "passes", level: "must", sentence: "It keeps passes.", link: "docs/protocol.md#envelope", result: "pass" },
      {
        id: "broken",
        level: "should",
        sentence: "It keeps broken.",
        link: "docs/protocol.md#envelope",
        result: "fail",
        faults: ["one"],
      },
    ],
  });
});
