import { gunzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { createDocument } from "./document.ts";
import type { OperationObject, ResponseObject } from "./openapi-document.ts";

/** A request with its response. */
export interface HttpExchange {
  readonly method: string;
  /** Path of the address, without the query. */
  readonly path: string;
  readonly response: Response;
}

/** The document's `$id`, below which a JSON pointer finds a schema. */
const DOCUMENT = "openapi";

/** Headers of HTTP itself, which the document leaves out. `Content-Type` is documented with the contents. */
const UNDOCUMENTED_HEADERS = new Set([
  "content-type",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "date",
]);

const document = createDocument({ anonymousReads: true });
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ ...document, $id: DOCUMENT });

/**
 * Compares a response with `/openapi.json`: status, headers, content type and body. The response stays readable. For an
 * undocumented operation, only errors are checked: they must be problems.
 *
 * @throws {Error} with every difference.
 */
export async function expectConformity({ method, path, response }: HttpExchange): Promise<void> {
  const found = findOperation(method, path);
  const faults = found ? await checkResponse(found, method, response) : await checkUndocumented(method, response);
  if (faults.length === 0) return;
  throw new Error(`${method} ${path} responds with ${response.status} against /openapi.json: ${faults.join("; ")}`);
}

/** HEAD has the response of GET without the body. */
const METHODS: Readonly<Record<string, "get" | "put" | "post">> = { GET: "get", HEAD: "get", PUT: "put", POST: "post" };

interface MatchedOperation {
  readonly operation: OperationObject;
  readonly pointer: string;
}

function findOperation(method: string, path: string): MatchedOperation | undefined {
  const below = path.replace(/^\/c\/[^/]+(?=\/v1\/)/, "");
  for (const [template, item] of Object.entries(document.paths)) {
    if (!new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(below)) continue;
    const name = METHODS[method];
    const operation = name && item[name];
    return operation && { operation, pointer: `/paths/${escapePointer(template)}/${name}` };
  }
  return undefined;
}

async function checkResponse(
  { operation, pointer }: MatchedOperation,
  method: string,
  response: Response,
): Promise<string[]> {
  const key = [`${response.status}`, `${Math.trunc(response.status / 100)}XX`].find(
    (name) => name in operation.responses,
  );
  const documented = key === undefined ? undefined : operation.responses[key];
  if (!documented) return ["no such status is documented"];
  const at = `${pointer}/responses/${key}`;
  return [
    ...checkHeaders(documented, at, response.headers),
    ...(await checkContent(documented, at, { method, response })),
  ];
}

function checkHeaders({ headers = {} }: ResponseObject, pointer: string, found: Headers): string[] {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const undocumented = [...found.keys()].filter((name) => !names.has(name) && !UNDOCUMENTED_HEADERS.has(name));
  const faults = undocumented.map((name) => `no header ${name} is documented`);
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
  { method, response }: Pick<HttpExchange, "method" | "response">,
): Promise<string[]> {
  const type = contentTypeOf(response);
  if (type in content === false && (type !== "" || Object.keys(content).length > 0)) {
    return [`no content of type ${JSON.stringify(type)} is documented`];
  }
  // A stream does not end, so its events are checked on arrival, elsewhere.
  if (type === "text/event-stream") return [];
  const text = await textOf(response);
  if (method === "HEAD" || type === "") return text === "" ? [] : ["there is a body where none is documented"];
  const fault = validate(`${pointer}/content/${escapePointer(type)}/schema`, JSON.parse(text));
  return fault ? [`the body is ${text}: ${fault}`] : [];
}

/**
 * Checks the response of an undocumented operation, such as a method that is not allowed: errors must still be
 * problems.
 */
async function checkUndocumented(method: string, response: Response): Promise<string[]> {
  if (response.status < 400) return [];
  const type = contentTypeOf(response);
  if (type !== "application/problem+json") return [`an error has the content type ${JSON.stringify(type)}`];
  if (response.status === 405 && !response.headers.has("Allow")) return ["the header Allow is missing"];
  const text = await textOf(response);
  const fault = method === "HEAD" ? undefined : validate("/components/schemas/Problem", JSON.parse(text));
  return fault ? [`the body is ${text}: ${fault}`] : [];
}

/** Reads the body, which `fetch` has already decompressed. */
async function textOf(response: Response): Promise<string> {
  const bytes = Buffer.from(await response.clone().arrayBuffer());
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

/** Escapes a JSON pointer in a URI fragment (RFC 6901). */
function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}
