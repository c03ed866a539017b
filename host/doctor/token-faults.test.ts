import { expect, test } from "vitest";
import { explainForbidden, explainRefusal } from "./token-faults.ts";

const NOW = 1_800_000_000;
const reference = { nowSeconds: NOW, clock: "this computer's clock" };
const CLAIMS = { iss: "i", aud: "a", customer: "demo", sub: "123", scope: "availability:read", exp: NOW + 300 };

function toToken(claims: object): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [encode({ alg: "HS256" }), encode(claims), "c2lnbmF0dXJl"].join(".");
}

const explain = (claims: object) => explainRefusal(toToken({ ...CLAIMS, ...claims }), reference);

test.each(["", "opaque", "a.b", "a.b.c", "e30.bnVsbA.c", "e30.e30", "e30.e30.c.d", "e30.%.c"])(
  "says that %j is no JWT",
  (token) => {
    expect(explainRefusal(token, reference)).toMatchObject([
      { code: "token-claim", message: expect.stringMatching(/is no JWT/) },
    ]);
  },
);

test("says of a token whose form is right that only the gateway knows", () => {
  expect(explain({})).toMatchObject([{ code: "token-refused" }]);
  expect(explain({ aud: ["a", "b"], sub: "operator" })).toMatchObject([{ code: "token-refused" }]);
});

test.each([
  [{ exp: NOW - 31 }, "token-expired"],
  [{ exp: NOW - 29 }, "token-refused"],
  [{ nbf: NOW + 31 }, "clock-skew"],
  [{ nbf: NOW + 29 }, "token-refused"],
  // A gateway does not compare it with its clock.
  [{ iat: NOW + 31 }, "token-refused"],
  [{ iat: NOW, exp: NOW + 86_400 }, "token-refused"],
  [{ iat: NOW - 60, exp: NOW + 86_400 }, "token-claim"],
  [{ exp: NOW + 86_431 }, "token-claim"],
])("compares the times %j with the clock, and allows 30 s: %s", (claims, code) => {
  expect(explain(claims)).toMatchObject([{ code }]);
});

test.each([
  ["exp", undefined, "missing"],
  ["exp", (NOW + 300) * 1_000, "another value"],
  ["customer", 7, "another value"],
  ["sub", 123, "another value"],
  ["sub", "0123", "another value"],
  ["sub", "auth0|s3cret", "another value"],
  ["iss", undefined, "missing"],
  ["aud", undefined, "missing"],
])("names the claim %s if it is %j, without the value", (name, value, what) => {
  const findings = explain({ [name]: value });
  expect(findings).toMatchObject([
    { code: "token-claim", message: expect.stringContaining(`whose claim ${name} is ${what}. `), change: { name } },
  ]);
  expect(JSON.stringify(findings)).not.toContain("s3cret");
});

test("says of a token that lives for longer than a day which claim to change", () => {
  expect(explain({ iat: NOW, exp: NOW + 31_536_000 })).toMatchObject([
    { message: expect.stringContaining("The token lives for 31536000 s. Sign"), change: { name: "exp" } },
  ]);
});

test("names several claims at once", () => {
  expect(explain({ customer: undefined, aud: undefined }).map(({ change }) => change?.name)).toEqual([
    "customer",
    "aud",
  ]);
});

test("tells a missing scope from credentials of the gateway that the telephony system rejects", () => {
  expect(explainForbidden("This call needs a token with the scope availability:read").code).toBe("token-scope");
  for (const detail of [undefined, "No", 7]) expect(explainForbidden(detail).code).toBe("backend-error");
});
