import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

const warningOf = (customer: string, name: string): string => `Customer ${customer}: ${describe(name)}`;

const describe = (name: string): string =>
  `${name} begins or ends with white space, such as the line's end that echo adds. ` +
  "It is part of the value: write the file with printf '%s' if it should not be";

test("warns of a secret from echo, a webhook's token and an issuer with white space, and prints none", () => {
  const file = JSON.stringify({
    customers: [
      {
        id: "acme",
        allowedOrigins: ["https://crm.acme.example"],
        tokens: {
          algorithm: "HS256",
          issuer: "https://login.acme.example ",
          audience: "availability-bridge",
          secret: "$" + "{ACME_SECRET}",
        },
        upstream: { kind: "aircall", apiId: "$" + "{ID}", apiToken: "$" + "{TOKEN}", webhookToken: "$" + "{HOOK}" },
      },
    ],
  });
  const secrets = { ACME_SECRET: `${"s3cret".repeat(6)}\n`, ID: "id", TOKEN: "t0ken", HOOK: "h00k-h00k\r\n" };
  const { warnings } = readSettings({ GATEWAY_CONFIG: "file", REDIS_URL: "redis://redis", ...secrets }, () => file);
  expect(warnings).toEqual([
    "Customer acme: tokens.issuer begins or ends with white space. It is part of the value: remove it if tokens do not have it",
    warningOf("acme", "tokens.secret"),
    warningOf("acme", "upstream.webhookToken"),
  ]);
});

test("warns of a JWT_SECRET that ends with a line's end", () => {
  const environment = {
    JWT_ALGORITHM: "HS256",
    JWT_ISSUER: "https://login.acme.example",
    JWT_AUDIENCE: "availability-bridge",
    JWT_SECRET: `${"s".repeat(32)}\n`,
  };
  expect(readSettings(environment).warnings).toEqual([warningOf("demo", "tokens.secret")]);
});

test("warns of a user and a password of the Sentinels with white space, and prints neither", () => {
  const environment = {
    REDIS_URL: "redis://sentinel:26379",
    REDIS_MODE: "sentinel",
    REDIS_SENTINEL_NAME: "mymaster",
    REDIS_SENTINEL_USER: " gateway",
    REDIS_SENTINEL_PASSWORD: "s3cret\n",
  };
  expect(readSettings(environment).warnings).toEqual(["REDIS_SENTINEL_USER", "REDIS_SENTINEL_PASSWORD"].map(describe));
});
