/** A collector of traces for tests, which receives OTLP over HTTP as protobuf: https://opentelemetry.io/docs/specs/otlp/. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A received span. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  /** 2 for a server, 3 for a client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** True if the span's status is an error. */
  readonly isError: boolean;
  /** Attributes of the process. */
  readonly resource: Readonly<Record<string, string | number | boolean>>;
}

export interface OtlpCollector {
  readonly origin: string;
  readonly spans: readonly ReceivedSpan[];
  /** Everything received, as it came. */
  readonly bodies: readonly Buffer[];
  /** Number of requests. */
  requestCount(): number;
  /** Status of the responses. */
  status: number;
}

/** Starts a collector on a free port until the test is over. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  let requestCount = 0;
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      requestCount += 1;
      const isExport = request.method === "POST" && request.url === "/v1/traces";
      const status = isExport ? collector.status : 404;
      if (status === 200) {
        bodies.push(body);
        spans.push(...readSpans(body));
      }
      response.writeHead(status, { "Content-Type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const collector: OtlpCollector = {
    origin: `http://127.0.0.1:${port}`,
    spans,
    bodies,
    requestCount: () => requestCount,
    status: 200,
  };
  return collector;
}

/** Numbers of the fields in the messages of `opentelemetry/proto`. */
const RESOURCE_SPANS = 1;
const FIELDS = {
  resource: 1,
  scopeSpans: 2,
  spans: 2,
  resourceAttributes: 1,
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  attributes: 9,
  status: 15,
  statusCode: 3,
} as const;

const STATUS_ERROR = 2;

function readSpans(body: Buffer): readonly ReceivedSpan[] {
  return messages(body, RESOURCE_SPANS).flatMap((resourceSpans) => {
    const [resource = Buffer.alloc(0)] = messages(resourceSpans, FIELDS.resource);
    const attributes = readAttributes(resource, FIELDS.resourceAttributes);
    const scopes = messages(resourceSpans, FIELDS.scopeSpans);
    return scopes.flatMap((scope) => messages(scope, FIELDS.spans).map((span) => readSpan(span, attributes)));
  });
}

function readSpan(span: Buffer, resource: ReceivedSpan["resource"]): ReceivedSpan {
  const fields = readFields(span);
  const text = (field: number, encoding: BufferEncoding) => firstBytes(fields, field).toString(encoding);
  return {
    traceId: text(FIELDS.traceId, "hex"),
    spanId: text(FIELDS.spanId, "hex"),
    parentSpanId: text(FIELDS.parentSpanId, "hex"),
    traceState: text(FIELDS.traceState, "utf8"),
    name: text(FIELDS.name, "utf8"),
    kind: firstNumber(fields, FIELDS.kind),
    attributes: readAttributes(span, FIELDS.attributes),
    isError: firstNumber(readFields(firstBytes(fields, FIELDS.status)), FIELDS.statusCode) === STATUS_ERROR,
    resource,
  };
}

/** Reads a list of `KeyValue`, of which each value is a text, a flag, a whole number or a number. */
function readAttributes(message: Buffer, field: number): ReceivedSpan["attributes"] {
  const pairs = messages(message, field).map((pair) => {
    const fields = readFields(pair);
    const [value] = readFields(firstBytes(fields, 2));
    const read = () => {
      if (value?.field === 1) return firstBytes([value], 1).toString("utf8");
      if (value?.field === 2) return value.value === 1;
      return typeof value?.value === "number" ? value.value : (value?.value.readDoubleLE() ?? Number.NaN);
    };
    return [firstBytes(fields, 1).toString("utf8"), read()] as const;
  });
  return Object.fromEntries(pairs);
}

/** A field of a message: a number, or the bytes of a text, of a message or of a fixed number. */
interface Field {
  readonly field: number;
  readonly value: number | Buffer;
}

function messages(message: Buffer, field: number): readonly Buffer[] {
  return readFields(message).flatMap((each) =>
    each.field === field && typeof each.value !== "number" ? [each.value] : [],
  );
}

function firstBytes(fields: readonly Field[], field: number): Buffer {
  const value = fields.find((each) => each.field === field)?.value;
  return typeof value === "number" || value === undefined ? Buffer.alloc(0) : value;
}

function firstNumber(fields: readonly Field[], field: number): number {
  const value = fields.find((each) => each.field === field)?.value;
  return typeof value === "number" ? value : 0;
}

/** Reads the fields of a message in protobuf's wire format. */
function readFields(message: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;

  function readNumber(): number {
    let number = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at);
      at += 1;
      number += (byte & 127) * factor;
      if (byte < 128) return number;
    }
  }

  function readBytes(length: number): Buffer {
    at += length;
    return message.subarray(at - length, at);
  }

  while (at < message.length) {
    const tag = readNumber();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        fields.push({ field, value: readNumber() });
        break;
      case 1:
        fields.push({ field, value: readBytes(8) });
        break;
      case 2:
        fields.push({ field, value: readBytes(readNumber()) });
        break;
      case 5:
        fields.push({ field, value: readBytes(4) });
        break;
      default:
        throw new Error(`Field ${field} has the unknown type ${tag % 8}`);
    }
  }
  return fields;
}
