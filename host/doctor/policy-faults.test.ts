import { expect, test } from "vitest";
import { findPolicyFaults, type PolicyViolation } from "./policy-faults.ts";

const PAGE = "https://crm.example.com";
const WIDGET = "https://widget.example.com";

function violate(effectiveDirective: string, originalPolicy: string, blockedURI = WIDGET): PolicyViolation {
  return { blockedURI, disposition: "enforce", effectiveDirective, originalPolicy, sample: "" };
}

function findValues(violations: readonly PolicyViolation[], token?: string): readonly (string | undefined)[] {
  return findPolicyFaults(violations, { page: PAGE, widget: WIDGET, token }).map(({ change }) => change?.value);
}

test.each([
  ["frame-src", "default-src 'self' https://cdn.example.com", "frame-src 'self' https://cdn.example.com"],
  ["frame-src", "default-src 'none'; child-src 'self'", "frame-src 'self'"],
  ["frame-src", "default-src 'self'; frame-src 'none'", "frame-src"],
  ["frame-src", "frame-src 'self'; frame-src https://cdn.example.com", "frame-src 'self'"],
  ["script-src-elem", "DEFAULT-SRC  'self'; img-src *", "script-src 'self'"],
  ["script-src-elem", "default-src 'none'", "script-src"],
  ["script-src-elem", "default-src 'self'; script-src 'unsafe-eval'", "script-src 'unsafe-eval'"],
  ["script-src-elem", "script-src 'self'; script-src-elem 'nonce-c2VjcmV0'", "script-src-elem 'nonce-RANDOM'"],
])("a violation of %s in the policy %j asks for %j with the widget's origin", (directive, policy, expected) => {
  expect(findValues([violate(directive, policy)])).toEqual([`${expected} ${WIDGET}`]);
});

test.each([
  ["https://tokens.example.com", "connect-src https://tokens.example.com"],
  [PAGE, "connect-src 'self'"],
])("a violation of connect-src for tokens of %s asks for %j", (token, expected) => {
  expect(findValues([violate("connect-src", "default-src 'none'", `${token}/token`)], token)).toEqual([expected]);
});

test("names the directive that is missing, and the one that applies in its place", () => {
  const [fault] = findPolicyFaults([violate("script-src-elem", "default-src 'self'")], { page: PAGE, widget: WIDGET });
  expect(fault?.message).toBe(
    "This page's Content-Security-Policy forbids the script and the files that it loads. The policy has no script-src, so that default-src applies. Add to the header Content-Security-Policy the directive script-src 'self' https://widget.example.com.",
  );
});

test("each of several policies gets a change of its own, and a report alone none", () => {
  const violations = [violate("frame-src", "default-src 'self'"), violate("frame-src", "frame-src 'none'")];
  expect(findValues(violations)).toEqual([`frame-src 'self' ${WIDGET}`, `frame-src ${WIDGET}`]);
  expect(findValues(violations.map((violation) => ({ ...violation, disposition: "report" })))).toEqual([]);
  expect(findValues([violate("frame-src", "frame-src 'self'", `${WIDGET}.evil.example`)])).toEqual([]);
});
