import * as v from "valibot";
import { type FakeUpstreamOptions, startFakeUpstream } from "./fake-upstream.ts";
import { WebhookSettings } from "./webhook-sender.ts";

const Whole = v.pipe(v.string(), v.regex(/^\d{1,6}$/, "expected a whole number"), v.transform(Number));

const Variables = v.object({
  FAKE_UPSTREAM_PORT: v.optional(Whole, "4200"),
  FAKE_UPSTREAM_CONTROL_PORT: v.optional(Whole, "4201"),
  FAKE_UPSTREAM_USERS: v.optional(Whole, "10"),
  FAKE_UPSTREAM_REQUESTS_PER_MINUTE: v.optional(Whole, "60"),
  FAKE_UPSTREAM_API_ID: v.optional(v.string(), "fake-id"),
  FAKE_UPSTREAM_API_TOKEN: v.optional(v.string(), "fake-token"),
  FAKE_UPSTREAM_WEBHOOK_URL: v.optional(v.string()),
  FAKE_UPSTREAM_WEBHOOK_TOKEN: v.optional(v.string(), "fake-webhook-token"),
});

/** Describes each unusable environment variable on a line. */
export class FakeUpstreamSettingsError extends Error {
  override readonly name = "FakeUpstreamSettingsError";
}

/**
 * `npm run fake-upstream`: runs the fake with settings from the environment. Returns a function that stops the fake.
 *
 * @throws {FakeUpstreamSettingsError} for bad settings.
 */
export async function runFakeUpstream(
  environment: Readonly<Record<string, string | undefined>>,
  print: (line: string) => void,
): Promise<() => Promise<void>> {
  const read = v.safeParse(Variables, environment);
  if (!read.success) {
    const lines = read.issues.map((issue) => `${v.getDotPath(issue) ?? "The environment"}: ${issue.message}`);
    throw new FakeUpstreamSettingsError(lines.join("\n"));
  }
  const variables = read.output;
  const options: FakeUpstreamOptions = {
    users: variables.FAKE_UPSTREAM_USERS,
    requestsPerMinute: variables.FAKE_UPSTREAM_REQUESTS_PER_MINUTE,
    apiId: variables.FAKE_UPSTREAM_API_ID,
    apiToken: variables.FAKE_UPSTREAM_API_TOKEN,
  };
  const [port, controlPort] = [variables.FAKE_UPSTREAM_PORT, variables.FAKE_UPSTREAM_CONTROL_PORT];
  const fake = await startFakeUpstream({ ...options, port, controlPort });
  const { FAKE_UPSTREAM_WEBHOOK_URL: url, FAKE_UPSTREAM_WEBHOOK_TOKEN: token } = variables;
  if (url) fake.webhooks.configure(v.parse(WebhookSettings, { url, token }));
  print(`Fake upstream listening on ${fake.origin}`);
  print(`Its controls are at       ${fake.controlOrigin}`);
  return fake.close;
}
