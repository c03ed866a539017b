import { expect, test } from "vitest";
import { readTokenSettingsFromEnv } from "./token-settings-from-env.ts";

const SHARED = { JWT_ISSUER: "https://login.acme.example", JWT_AUDIENCE: "availability-bridge" };
const SECRET = "x".repeat(32);

function read(environment: Readonly<Record<string, string>>) {
  const problems: string[] = [];
  return { ...readTokenSettingsFromEnv(environment, problems), problems };
}

test("reads a secret", () => {
  const times = { JWT_LEEWAY_SECONDS: "5", JWT_MAX_LIFETIME_SECONDS: "3600" };
  expect(read({ ...SHARED, JWT_ALGORITHM: "HS256", JWT_SECRET: SECRET, ...times })).toEqual({
    tokens: {
      algorithm: "HS256",
      issuer: "https://login.acme.example",
      audience: "availability-bridge",
      secret: SECRET,
      leewaySeconds: 5,
      maxLifetimeSeconds: 3600,
    },
    isDemo: false,
    problems: [],
  });
});

test("reads a key set", () => {
  const environment = { ...SHARED, JWT_ALGORITHM: "EdDSA", JWT_JWKS_URL: "https://login.acme.example/keys" };
  expect(read(environment)).toMatchObject({
    tokens: { algorithm: "EdDSA", jwksUrl: "https://login.acme.example/keys", leewaySeconds: 30 },
    isDemo: false,
  });
});

test("accepts the demo page's tokens if no variable is set, and no token without its secret", () => {
  expect(read({ DEMO_TOKEN_SECRET: SECRET, JWT_SECRET: "" })).toMatchObject({
    tokens: { secret: SECRET },
    isDemo: true,
  });
  const [first, second] = [read({}), read({ DEMO_TOKEN_SECRET: "" })];
  expect(first).toMatchObject({ isDemo: true, problems: [] });
  expect(first.tokens).not.toEqual(second.tokens);
});

test("rejects a short secret of the demo", () => {
  expect(read({ DEMO_TOKEN_SECRET: "short" })).toEqual({
    problems: ["DEMO_TOKEN_SECRET: expected a text of at least 32 bytes"],
  });
});

test("requires complete settings once one variable is set", () => {
  expect(read({ JWT_SECRET: SECRET }).problems).toEqual([
    "JWT_ALGORITHM: expected one of HS256, RS256, ES256, EdDSA, Ed25519",
  ]);
  expect(read({ JWT_ALGORITHM: "HS256" }).problems).toEqual([
    "JWT_ISSUER: is not set, and with JWT_ALGORITHM=HS256 it must be",
    "JWT_AUDIENCE: is not set, and with JWT_ALGORITHM=HS256 it must be",
    "JWT_SECRET: is not set, and with JWT_ALGORITHM=HS256 it must be",
  ]);
});

test("names a variable that the algorithm does not use", () => {
  const environment = { ...SHARED, JWT_ALGORITHM: "ES256", JWT_SECRET: SECRET, JWT_JWKS_URL: "https://a.example/keys" };
  expect(read(environment).problems).toEqual(["JWT_SECRET: is set, and JWT_ALGORITHM=ES256 has no use for it"]);
});

test.each(["0x10", "1e2", "-1", "1.5", " ", "301"])("rejects %j seconds of leeway", (text) => {
  const environment = { ...SHARED, JWT_ALGORITHM: "HS256", JWT_SECRET: SECRET, JWT_LEEWAY_SECONDS: text };
  expect(read(environment).problems).toEqual(["JWT_LEEWAY_SECONDS: expected whole seconds from 0 to 300"]);
});

test("rejects its variables beside configured customers", () => {
  expect(read({ GATEWAY_CONFIG: "gateway.config.json", JWT_SECRET: SECRET })).toEqual({
    problems: ["JWT_SECRET: is set beside GATEWAY_CONFIG, whose customers have tokens"],
  });
  expect(read({ GATEWAY_CONFIG: "gateway.config.json", DEMO_TOKEN_SECRET: SECRET })).toEqual({ problems: [] });
});
