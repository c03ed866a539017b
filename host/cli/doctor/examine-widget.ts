/** Examines the widget's address and its gateway over HTTP, as the page at a given origin would use them. */
import * as v from "valibot";
import { WIDGET_SETTINGS_NAME, WidgetSettings } from "../../../shared/protocol/widget-settings.ts";
import { createApiNotPassed, createFinding, type Finding } from "../../doctor/finding.ts";
import {
  createTokenMissing,
  explainForbidden,
  explainRefusal,
  isAboutToken,
  LEEWAY_SECONDS,
} from "../../doctor/token-faults.ts";
import { allowsOrigin, readFrameAncestors } from "./frame-ancestors.ts";
import { type Answer, get, openStream } from "./http.ts";

/** Facts about the page. */
export interface ExaminedPage {
  readonly origin: string;
  /** Headers of the page's answer. Empty if the page could not be read. */
  readonly headers: Readonly<Record<string, string>>;
  /** Time of that answer by the clock of this process, in seconds since 1970. */
  readonly atSeconds: number;
}

/** An answer that has come. */
type Reached = Extract<Answer, { readonly isReached: true }>;

/** Wait for the first byte of a stream, in milliseconds. The gateway sends one at once. */
const FIRST_BYTE_MS = 5_000;

const USER_PATH = "users/1/availability";

/** Finds the faults of the widget's document, of the gateway's API and of its stream. */
export async function examineWidget(
  widget: URL,
  page: ExaminedPage,
  token: string | undefined,
): Promise<readonly Finding[]> {
  const shown = `${widget.origin}${widget.pathname}`;
  const answer = await get(widget);
  if (!answer.isReached) return [explainUnreached(shown, answer)];
  if (answer.status >= 500) return [explainAway(answer.status, shown)];
  if (answer.status !== 200) {
    const { status, headers } = answer;
    const target = headers.get("location");
    const detour = target ? `, a redirect to ${withoutQuery(new URL(target, widget))}` : "";
    return [
      createFinding(
        "wrong-path",
        `The widget's address ${shown} answers with status ${status}${detour}. Correct the address: it ends in /widget/, and begins as the script's address does before embed.js`,
        { of: "script tag", name: "src", value: `${widget.origin}/embed.js` },
      ),
    ];
  }
  const settings = readSettings(answer.body);
  if (!settings) {
    return [
      createFinding(
        "not-a-widget",
        `The address ${shown} shows another page (${answer.headers.get("content-type") ?? "no Content-Type"}) and not the widget. Correct the address: it ends in /widget/, and begins as the script's address does before embed.js`,
        { of: "script tag", name: "src", value: `${widget.origin}/embed.js` },
      ),
    ];
  }
  return [
    ...examineDocument(widget, page, settings, answer),
    ...(await examineApi(new URL(settings.apiBase, widget), page, token)),
  ];
}

/** Reads the settings from the widget's document. `undefined` if the document has none, so that no gateway has served it. */
function readSettings(html: string): WidgetSettings | undefined {
  const tag = new RegExp(`<meta\\s+name="${WIDGET_SETTINGS_NAME}"\\s+content="([^"]*)"`).exec(html);
  const text = (tag?.[1] ?? "").replaceAll(/&(quot|#39|lt|gt|amp);/g, (_match, name) => ENTITIES[name] ?? "");
  try {
    const parsed = v.safeParse(WidgetSettings, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', "#39": "'", lt: "<", gt: ">", amp: "&" };

function examineDocument(
  widget: URL,
  page: ExaminedPage,
  { allowedOrigins }: WidgetSettings,
  { headers }: Reached,
): readonly Finding[] {
  if (page.origin === "null") return [];
  if (!allowedOrigins.includes(page.origin)) {
    return [
      createFinding(
        "origin-not-allowed",
        `The gateway does not allow the page's origin ${page.origin}. Add ${page.origin} to ALLOWED_ORIGINS, or to allowedOrigins of the customer; http and https, another port, and www. are other origins`,
        { of: "gateway", name: "ALLOWED_ORIGINS", value: page.origin },
      ),
    ];
  }
  return [...examineFraming(widget, page, headers), ...examineIsolation(page, headers)];
}

function examineFraming(widget: URL, { origin }: ExaminedPage, headers: Headers): readonly Finding[] {
  const policies = readFrameAncestors(headers.get("content-security-policy"));
  if (policies.some((sources) => !sources.some((source) => allowsOrigin(source, origin, widget.origin)))) {
    return [
      createFinding(
        "frame-ancestors",
        `The gateway allows the page's origin ${origin}, and frame-ancestors of the widget's Content-Security-Policy does not: a proxy has changed the header. Pass the gateway's own header on, or add ${origin} to frame-ancestors`,
        { of: "proxy", name: "Content-Security-Policy", value: `frame-ancestors ${origin}` },
      ),
    ];
  }
  const refusal = headers.get("x-frame-options");
  // A browser ignores the header beside `frame-ancestors`.
  if (!refusal || policies.length) return [];
  return [
    createFinding(
      "x-frame-options",
      `The widget's answer has X-Frame-Options: ${refusal}, and the gateway's frame-ancestors is gone: a proxy has changed the headers. Remove X-Frame-Options, and pass Content-Security-Policy on`,
      { of: "proxy", name: "X-Frame-Options" },
    ),
  ];
}

/** Headers that an isolated page demands of the widget, with the value that the gateway sends. */
const ISOLATION_HEADERS = [
  ["Cross-Origin-Embedder-Policy", "require-corp", ["require-corp", "credentialless"]],
  ["Cross-Origin-Resource-Policy", "cross-origin", ["cross-origin"]],
] as const;

function examineIsolation(page: ExaminedPage, headers: Headers): readonly Finding[] {
  const [policy = ""] = (page.headers["cross-origin-embedder-policy"] ?? "").split(";");
  if (!/^(?:require-corp|credentialless)$/.test(policy.trim())) return [];
  return ISOLATION_HEADERS.flatMap(([name, value, accepted]) => {
    const [given = ""] = (headers.get(name) ?? "").split(";");
    if (accepted.some((each) => each === given.trim())) return [];
    return [
      createFinding(
        "embedder-policy",
        `This page has Cross-Origin-Embedder-Policy: ${policy.trim()}, and the widget's answer lacks ${name}: ${value}, which the gateway sends: a proxy has removed the header. Pass the header on`,
        { of: "proxy", name, value },
      ),
    ];
  });
}

async function examineApi(api: URL, page: ExaminedPage, token: string | undefined): Promise<readonly Finding[]> {
  const answer = await get(new URL(USER_PATH, api), { token });
  if (!answer.isReached) return [explainUnreached(`${api.origin}${api.pathname}`, answer)];
  const { status } = answer;
  const problem = parseProblem(answer);
  const gatewaySeconds = readDate(answer.headers.get("date")) ?? answer.atSeconds;
  const clockFaults = token !== undefined || status === 401 ? compareClocks(page, answer) : [];
  if (status === 401) return [...explainUnauthorized(problem, token, gatewaySeconds), ...clockFaults];
  if (status === 403) return [explainForbidden(problem?.detail)];
  if (status >= 500 || status === 429) return [explainAway(status, `${api.origin}${api.pathname}`)];
  const isAnswered = status === 200 || typeof problem?.detail === "string";
  if (!isAnswered) return [createApiNotPassed(api.origin, status)];
  return [...clockFaults, ...(await examineStream(api, token))];
}

async function examineStream(api: URL, token: string | undefined): Promise<readonly Finding[]> {
  const start = await openStream(new URL("availabilities/stream?userIds=1", api), { token }, FIRST_BYTE_MS);
  if (start === "silent") {
    return [
      createFinding(
        "stream-buffered",
        `The event stream at ${api.origin}${api.pathname}availabilities/stream sends nothing within ${FIRST_BYTE_MS / 1_000} s: a proxy buffers it, and changes come up to 18 s late. Switch buffering off there: in nginx, proxy_buffering off, or heed X-Accel-Buffering`,
        { of: "proxy", name: "proxy_buffering", value: "off" },
      ),
    ];
  }
  if (start === "delivers" || start === undefined) return [];
  return [
    createFinding(
      "backend-error",
      `The event stream at ${api.origin}${api.pathname}availabilities/stream answers with status ${start.status} (${start.contentType ?? "no Content-Type"}), so that no changes come. See whether a proxy passes it on to the gateway`,
      { of: "proxy", name: "/v1/availabilities/stream" },
    ),
  ];
}

const Problem = v.object({ detail: v.optional(v.unknown()) });

function parseProblem({ body }: Reached): v.InferOutput<typeof Problem> | undefined {
  try {
    const parsed = v.safeParse(Problem, JSON.parse(body));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function explainUnauthorized(
  problem: v.InferOutput<typeof Problem> | undefined,
  token: string | undefined,
  nowSeconds: number,
): readonly Finding[] {
  if (typeof problem?.detail === "string" && !isAboutToken(problem.detail)) {
    return [
      createFinding(
        "backend-error",
        "The gateway answers with status 401 for another reason than the token: the telephony system rejects the gateway's own credentials. Tell the vendor",
      ),
    ];
  }
  if (token !== undefined) return explainRefusal(token, { nowSeconds, clock: "the gateway's clock" });
  return [createTokenMissing(" For this command, give one by --token")];
}

/** Compares the clock of the page's server, which signs tokens, with the gateway's. A stored answer has the time of its making. */
function compareClocks(page: ExaminedPage, answer: Reached): readonly Finding[] {
  const pageSeconds = readDate(page.headers["date"]);
  const gatewaySeconds = readDate(answer.headers.get("date"));
  if (pageSeconds === undefined || gatewaySeconds === undefined || page.headers["age"] !== undefined) return [];
  const seconds = Math.round(pageSeconds - page.atSeconds - (gatewaySeconds - answer.atSeconds));
  if (Math.abs(seconds) <= LEEWAY_SECONDS) return [];
  return [
    createFinding(
      "clock-skew",
      `The clock of the page's server is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} the gateway's, by the header Date of both. Set the clocks: tokens that this server signs may differ by ${LEEWAY_SECONDS} s`,
      { of: "page", name: "Date", value: "the present time" },
    ),
  ];
}

function readDate(text: string | null | undefined): number | undefined {
  const time = text ? Date.parse(text) / 1_000 : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function explainUnreached(shown: string, { isTls, reason }: Extract<Answer, { readonly isReached: false }>): Finding {
  if (isTls) {
    return createFinding(
      "tls-error",
      `The certificate of ${shown} is not accepted (${reason}). Give the server a valid certificate for this name, with its whole chain`,
      { of: "gateway", name: "certificate", value: "valid" },
    );
  }
  return createFinding(
    "gateway-unreachable",
    `Nothing answers at ${shown} (${reason}). Start the gateway, or correct the address: the name, the port, the network and the proxy before the gateway`,
    { of: "gateway", name: "address", value: shown },
  );
}

function explainAway(status: number, shown: string): Finding {
  return createFinding(
    "backend-error",
    `${shown} answers with status ${status}: the gateway or the telephony system is away or overloaded. Wait, or tell the vendor the time and the X-Request-Id`,
  );
}

function withoutQuery({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
