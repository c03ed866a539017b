/** Findings from violations of the page's Content-Security-Policy. */
import { createFinding, type Finding } from "./finding.ts";

/** The part of a `SecurityPolicyViolationEvent` in use, which the command sends from the page to its own process. */
export type PolicyViolation = Pick<
  SecurityPolicyViolationEvent,
  "blockedURI" | "disposition" | "effectiveDirective" | "originalPolicy" | "sample"
>;

const HEADER = "Content-Security-Policy";

/** Directives that a browser goes by, in its order. */
interface Directives {
  /** To be changed if the policy has one of them. */
  readonly own: readonly string[];
  /** Apply to other requests too. They stay as they are, and a new directive gets their sources. */
  readonly fallbacks: readonly string[];
}

interface Source {
  readonly origin: string;
  /** As a policy names the origin. */
  readonly text: string;
}

const FRAME: Directives = { own: ["frame-src"], fallbacks: ["child-src", "default-src"] };
const SCRIPT: Directives = { own: ["script-src-elem", "script-src"], fallbacks: ["default-src"] };
const CONNECT: Directives = { own: ["connect-src"], fallbacks: ["default-src"] };

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
  const findings: Finding[] = [];
  const forbid = (code: Finding["code"], what: string, name: string, directives: Directives, source: Source): void => {
    for (const { blockedURI, effectiveDirective, originalPolicy } of enforced) {
      // The origin, or an address of the origin: another origin may begin with equal characters.
      if (!directives.own.includes(effectiveDirective) || !`${blockedURI}/`.startsWith(`${source.origin}/`)) continue;
      const { remedy, value } = describeRemedy(originalPolicy, name, directives, source.text);
      const message = `This page's Content-Security-Policy forbids ${what}. ${remedy}`;
      findings.push(createFinding(code, message, { of: "page", name: HEADER, value }));
    }
  };
  const ofWidget = { origin: widget, text: widget };
  // Browsers name this directive also if the policy has only `child-src` or `default-src`.
  forbid("csp-frame-src", "the widget's iframe", "frame-src", FRAME, ofWidget);
  forbid("csp-script-src", "the script and the files that it loads", "script-src", SCRIPT, ofWidget);
  // The widget itself needs no `connect-src`.
  if (token !== undefined) {
    const source = { origin: token, text: token === page ? "'self'" : token };
    forbid("csp-connect-src", "to fetch the token", "connect-src", CONNECT, source);
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

/** Describes the change of a policy, with the whole directive as the value: the page's own scripts and iframes need the sources of today. */
function describeRemedy(
  policy: string,
  name: string,
  { own, fallbacks }: Directives,
  source: string,
): { readonly remedy: string; readonly value: string } {
  const parsed = parsePolicy(policy);
  const applying = [...own, ...fallbacks].find((each) => parsed.has(each)) ?? name;
  const isMissing = fallbacks.includes(applying);
  const directive = isMissing ? name : applying;
  const value = [directive, ...(parsed.get(applying) ?? []), source].join(" ");
  return {
    remedy: isMissing
      ? `The policy has no ${name}, so that ${applying} applies. Add to the header ${HEADER} the directive ${value}`
      : `Add ${source} to ${directive} of the header ${HEADER}`,
    value,
  };
}

/** Parses a policy into the sources of each directive. Of two with the same name browsers take the first. */
function parsePolicy(policy: string): ReadonlyMap<string, readonly string[]> {
  const directives = policy.split(";").map((text): readonly [string, readonly string[]] => {
    const [name = "", ...sources] = text.trim().split(/\s+/);
    return [name.toLowerCase(), sources.filter((source) => source !== "'none'").map(hideNonce)];
  });
  return new Map(directives.reverse());
}

/** A nonce is valid once. */
function hideNonce(source: string): string {
  return source.replace(/^'nonce-.*/i, "'nonce-RANDOM'");
}
