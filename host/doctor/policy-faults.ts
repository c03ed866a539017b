/** Findings from violations of the page's Content-Security-Policy. */
import { createFinding, type Finding } from "./finding.ts";

/** The part of a `SecurityPolicyViolationEvent` in use, which the command sends from the page to its own process. */
export type PolicyViolation = Pick<
  SecurityPolicyViolationEvent,
  "blockedURI" | "disposition" | "effectiveDirective" | "sample"
>;

const HEADER = "Content-Security-Policy";

/** Origins that matter to the bridge. */
export interface PolicyOrigins {
  readonly page: string;
  readonly widget: string;
  /** Origin of the address that gives tokens. `undefined` if the doctor knows none. */
  readonly token?: string | undefined;
}

/** Finds the violations that concern the bridge. */
export function findPolicyFaults(
  violations: readonly PolicyViolation[],
  { page, widget, token }: PolicyOrigins,
): readonly Finding[] {
  const enforced = violations.filter(({ disposition }) => disposition === "enforce");
  const has = (directive: RegExp, origin: string): boolean =>
    enforced.some(({ effectiveDirective, blockedURI }) => {
      // The origin, or an address of the origin: another origin may begin with equal characters.
      return directive.test(effectiveDirective) && `${blockedURI}/`.startsWith(`${origin}/`);
    });
  const findings: Finding[] = [];
  const forbid = (code: Finding["code"], what: string, directive: string, source: string, more = ""): void => {
    findings.push(
      createFinding(
        code,
        `This page's Content-Security-Policy forbids ${what}. Add ${source} to ${directive} of the header ${HEADER}${more}`,
        { of: "page", name: HEADER, value: `${directive} ${source}` },
      ),
    );
  };
  // Browsers name this directive also if the policy has only `child-src` or `default-src`.
  if (has(/^frame-src$/, widget)) {
    forbid(
      "csp-frame-src",
      "the widget's iframe",
      "frame-src",
      widget,
      ", also if the policy has only child-src or default-src",
    );
  }
  if (has(/^script-src/, widget))
    forbid("csp-script-src", "the script and the files that it loads", "script-src", widget);
  // The widget itself needs no `connect-src`.
  if (token !== undefined && has(/^connect-src$/, token)) {
    forbid("csp-connect-src", "to fetch the token", "connect-src", token === page ? "'self'" : token);
  }
  const isTrusted = ({ effectiveDirective, sample }: PolicyViolation): boolean =>
    effectiveDirective === "require-trusted-types-for" && sample.includes(`|${widget}`);
  if (enforced.some(isTrusted)) {
    findings.push(
      createFinding(
        "csp-trusted-types",
        "This page's Content-Security-Policy has require-trusted-types-for, and code of the page gives a script the widget's address as a text. Write the script tag into the page's HTML, or make the address by createScriptURL of a policy that trusted-types names",
        { of: "page", name: HEADER, value: "trusted-types" },
      ),
    );
  }
  return findings;
}
