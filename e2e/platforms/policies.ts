/**
 * Content security policies of CRMs, as published by the vendors. If a vendor publishes no whole header, the policy is
 * reconstructed from the documentation of each directive, and `isReconstructed` is true. `SELF` stands for the CRM's own page,
 * and `WIDGET`, in the administrator's additions, for the widget's origin.
 */

export interface PlatformPolicy {
  readonly name: string;
  /** The page of the vendor's documentation, and the date of its text or of its last reading. */
  readonly source: string;
  readonly isReconstructed: boolean;
  /** The policy that the CRM sends by itself, a directive each. */
  readonly directives: readonly string[];
  /** Directives to which the administrator can and must add the widget's origin. */
  readonly adds: readonly ("script-src" | "frame-src")[];
  /** True if scripts of another origin are possible there at all. Otherwise the page bundles the package. */
  readonly allowsTag: boolean;
}

export const POLICIES: readonly PlatformPolicy[] = [
  {
    name: "Salesforce Lightning",
    source:
      "https://developer.salesforce.com/docs/platform/lwc/guide/security-csp.html, read 2026-11-30: each of these directives is 'self', and an administrator's trusted URLs have no script-src",
    isReconstructed: true,
    directives: [
      "default-src 'self'",
      "script-src 'self'",
      "font-src 'self'",
      "img-src 'self'",
      "media-src 'self'",
      "frame-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
    ],
    adds: ["frame-src"],
    allowsTag: false,
  },
  {
    name: "HubSpot content",
    source:
      "https://knowledge.hubspot.com/domains-and-urls/ssl-and-domain-security-in-hubspot, 2024-10-16: the administrator writes the header of a domain; this is a list of origins with HubSpot's own",
    isReconstructed: true,
    directives: [
      "script-src 'self' 'unsafe-inline' *.hubspot.com *.hs-scripts.com *.hs-analytics.net *.hsforms.net",
      "frame-src 'self' *.hubspot.com *.hsforms.com",
      "style-src 'self' 'unsafe-inline' *.hubspot.com",
      "img-src 'self' data: *.hubspot.com *.hsforms.com",
      "connect-src 'self' *.hubspot.com *.hsforms.com",
      "upgrade-insecure-requests",
    ],
    adds: ["script-src", "frame-src"],
    allowsTag: true,
  },
  {
    name: "Zendesk",
    source:
      "https://developer.zendesk.com/documentation/zendesk-web-widget-sdks/sdks/web/csp, read 2026-11-30: what Zendesk publishes for pages with its messenger. Zendesk publishes no header of its app iframes",
    isReconstructed: false,
    directives: [
      "default-src 'self' https://static.zdassets.com https://ekr.zdassets.com https://ekr.zendesk.com https://*.zendesk.com https://api.smooch.io https://media.smooch.io https://zendesk-eu.my.sentry.io https://*.twilio.com wss://*.zendesk.com wss://api.smooch.io wss://voice-js.roaming.twilio.com",
      "style-src 'unsafe-inline'",
      "img-src 'self' https://static.zdassets.com https://accounts.zendesk.com https://*.zendesk.com https://media.smooch.io https://*.zdusercontent.com blob: data:",
      "media-src 'self' https://static.zdassets.com",
    ],
    adds: ["script-src", "frame-src"],
    allowsTag: true,
  },
  {
    name: "Dynamics 365, strict mode",
    source:
      "https://learn.microsoft.com/en-us/power-platform/admin/content-security-policy, read 2026-11-30: model-driven apps, without the platform's own domains, which the page does not name",
    isReconstructed: true,
    directives: [
      "script-src 'self' blob:",
      "worker-src 'self' blob:",
      "style-src 'self' 'unsafe-inline' blob:",
      "font-src 'self' data:",
      "frame-ancestors 'self' https://*.powerapps.com",
      "img-src 'self' blob: data:",
      "connect-src 'self' blob: data: wss:",
      "frame-src 'self' blob:",
      "base-uri 'none'",
      "default-src 'self'",
    ],
    adds: ["script-src", "frame-src"],
    allowsTag: true,
  },
  {
    name: "Dynamics 365, default",
    source: "https://learn.microsoft.com/en-us/power-platform/admin/content-security-policy, read 2026-11-30",
    isReconstructed: false,
    directives: [
      "script-src * 'unsafe-inline' 'unsafe-eval' blob:",
      "worker-src 'self' blob:",
      "style-src * 'unsafe-inline' blob:",
      "font-src * data:",
      "frame-ancestors 'self' https://*.powerapps.com",
    ],
    adds: [],
    allowsTag: true,
  },
  {
    name: "ServiceNow",
    source:
      "https://www.servicenow.com/docs/r/servicenow-platform/ai-platform-capabilities/http-response-header.html, 2026-03-12: the administrator writes the response headers; the platform's own is X-Frame-Options. The directives but frame-ancestors are an example of a hardened instance",
    isReconstructed: true,
    directives: [
      "frame-ancestors 'self'",
      "default-src 'self'",
      "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data: blob:",
    ],
    adds: ["script-src", "frame-src"],
    allowsTag: true,
  },
];

/**
 * Adds the widget's origin to directives of a policy, as docs/add-the-badge.md says: to the sources that apply, which are those of
 * `default-src` if the policy lacks the directive.
 */
export function addOrigin(directives: readonly string[], names: readonly string[], origin: string): string {
  const added = names.map((name) => {
    const [, sources = ""] =
      directives.map((line) => line.split(/ (.*)/s)).find(([key]) => key === name) ??
      directives.map((line) => line.split(/ (.*)/s)).find(([key]) => key === "default-src") ??
      [];
    return `${name} ${sources.replace("'none'", "")} ${origin}`;
  });
  return [...directives.filter((line) => !names.some((name) => line.startsWith(`${name} `))), ...added].join("; ");
}
