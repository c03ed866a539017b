import { gunzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { createDocument } from "./document.ts";
import type { OperationObject, ResponseObject } from "./openapi-document.ts";

/** What was asked, and what came of it. */
export interface Exchange {
  readonly method: string;
  /** The address's path, without the query. */
  readonly path: string;
  readonly answer: Response;
}

/** The document's `$id`, below which each schema in it is found by its JSON pointer. */
const DOCUMENT = "openapi";

/** What HTTP itself needs, and no document tells. `Content-Type` stands with the contents. */
const UNTOLD = new Set(["content-type", "content-length", "transfer-encoding", "connection", "keep-alive", "date"]);

const document = createDocument({ anonymousReads: true });
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ ...document, $id: DOCUMENT });

/**
 * Holds an answer against what `/openapi.json` says of it: its status, its headers, its content type and its body. The
 * answer can be read as before. What the document does not tell of may be anything, but an error that is no problem.
 *
 * @throws {Error} with everything in which they differ.
 */
export async function expectConformity({ method, path, answer }: Exchange): Promise<void> {
  const found = findOperation(method, path);
  const faults = found ? await checkResponse(found, method, answer) : await checkUntold(method, answer);
  if (faults.length === 0) return;
  throw new Error(`${method} ${path} answers ${answer.status} against /openapi.json: ${faults.join("; ")}`);
}

/** HEAD is answered as GET is, without the body. */
const METHODS: Readonly<Record<string, "get" | "put" | "post">> = { GET: "get", HEAD: "get", PUT: "put", POST: "post" };

interface Found {
  readonly operation: OperationObject;
  readonly pointer: string;
}

function findOperation(method: string, path: string): Found | undefined {
  const below = path.replace(/^\/c\/[^/]+(?=\/v1\/)/, "");
  for (const [template, item] of Object.entries(document.paths)) {
    if (!new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(below)) continue;
    const name = METHODS[method];
    const operation = name && item[name];
    return operation && { operation, pointer: `/paths/${escapePointer(template)}/${name}` };
  }
  return undefined;
}

async function checkResponse({ operation, pointer }: Found, method: string, answer: Response): Promise<string[]> {
  const key = [`${answer.status}`, `${Math.trunc(answer.status / 100)}XX`].find((name) => name in operation.responses);
  const response = key === undefined ? undefined : operation.responses[key];
  if (!response) return ["no such status is documented"];
  const at = `${pointer}/responses/${key}`;
  return [...checkHeaders(response, at, answer.headers), ...(await checkContent(response, at, { method, answer }))];
}

function checkHeaders({ headers = {} }: ResponseObject, pointer: string, found: Headers): string[] {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const untold = [...found.keys()].filter((name) => !names.has(name) && !UNTOLD.has(name));
  const faults = untold.map((name) => `no header ${name} is documented`);
  for (const [name, { required, schema }] of Object.entries(headers)) {
    const text = found.get(name);
    if (text === null) {
      if (required) faults.push(`the header ${name} is missing`);
      continue;
    }
    const isNumber = "type" in schema && schema.type === "integer";
    const fault = validate(`${pointer}/headers/${escapePointer(name)}/schema`, isNumber ? Number(text) : text);
    if (fault) faults.push(`the header ${name} is ${text}: ${fault}`);
  }
  return faults;
}

async function checkContent(
  { content = {} }: ResponseObject,
  pointer: string,
  { method, answer }: Pick<Exchange, "method" | "answer">,
): Promise<string[]> {
  const type = contentTypeOf(answer);
  if (type in content === false && (type !== "" || Object.keys(content).length > 0)) {
    return [`no content of type ${JSON.stringify(type)} is documented`];
  }
  // A stream has no end to wait for: its events are checked as they come.
  if (type === "text/event-stream") return [];
  const text = await textOf(answer);
  if (method === "HEAD" || type === "") return text === "" ? [] : ["there is a body where none is documented"];
  const fault = validate(`${pointer}/content/${escapePointer(type)}/schema`, JSON.parse(text));
  return fault ? [`the body is ${text}: ${fault}`] : [];
}

/** Where nothing is documented, as for a method that is not allowed, an error is a problem all the same. */
async function checkUntold(method: string, answer: Response): Promise<string[]> {
  if (answer.status < 400) return [];
  const type = contentTypeOf(answer);
  if (type !== "application/problem+json") return [`an error has the content type ${JSON.stringify(type)}`];
  if (answer.status === 405 && !answer.headers.has("Allow")) return ["the header Allow is missing"];
  const text = await textOf(answer);
  const fault = method === "HEAD" ? undefined : validate("/components/schemas/Problem", JSON.parse(text));
  return fault ? [`the body is ${text}: ${fault}`] : [];
}

/** What `fetch` hands out it has unpacked already. */
async function textOf(answer: Response): Promise<string> {
  const bytes = Buffer.from(await answer.clone().arrayBuffer());
  return String(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);
}

function validate(pointer: string, value: unknown): string | undefined {
  const check = ajv.getSchema(`${DOCUMENT}#${pointer}`);
  if (!check) throw new Error(`There is no schema at ${pointer}`);
  return check(value) ? undefined : ajv.errorsText(check.errors);
}

function contentTypeOf({ headers }: Response): string {
  return headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase() ?? "";
}

/** RFC 6901, in a URI's fragment. */
function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}
