import { Ajv2020 } from "ajv/dist/2020.js";
import * as v from "valibot";
import { expect, test } from "vitest";
import { Availability } from "../../../shared/contracts/availability.ts";
import { createDocument } from "../../openapi/document.ts";
import type { MediaTypeObject, OperationObject, SchemaObject } from "../../openapi/openapi-document.ts";
import { createReadinessRoutes } from "../../operations/lifecycle/health.ts";
import { ANONYMOUS_READS, testGateway } from "../../test/test-gateway.ts";

const document = createDocument({ anonymousReads: false });

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  (["get", "put", "post"] as const).flatMap((method) => {
    const operation = item[method];
    return operation ? [{ name: `${method.toUpperCase()} ${path}`, path, operation }] : [];
  }),
);

/** Validates a value by a schema of the document. Throws if the schema has a broken reference. */
function check(schema: SchemaObject, value: unknown): string {
  const ajv = new Ajv2020({ strict: false });
  const whole: object = { ...schema, components: document.components };
  const isValid = ajv.validate(whole, value);
  return isValid ? "" : ajv.errorsText();
}

function contentsOf({ requestBody, responses }: OperationObject): readonly MediaTypeObject[] {
  const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
  return contents.flatMap((content = {}) => Object.values(content));
}

test("serves the document to every client, and responds with 304 while it is unchanged", async () => {
  const gateway = await testGateway();
  const response = await gateway.request("/openapi.json");
  expect(response.status).toBe(200);
  const etag = response.headers.get("ETag") ?? "";
  const text = await response.text();
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(createDocument({ anonymousReads: true }))));
  const again = await gateway.request("/openapi.json", { headers: { "If-None-Match": etag } });
  expect(again.status).toBe(304);
});

test("contains no customer", async () => {
  const gateway = await testGateway({ id: "hidden-customer", allowedOrigins: ["https://hidden.example"] });
  await expect((await gateway.request("/openapi.json")).text()).resolves.not.toContain("hidden");
});

test("demands a token for reads, except in a demo", async () => {
  const securityWith = async (anonymousReads: boolean) => {
    const gateway = await testGateway({ access: { ...ANONYMOUS_READS, anonymousReads } });
    const { paths } = await (await gateway.request("/openapi.json")).json();
    const { get, put } = paths["/v1/users/{userId}/availability"];
    return [get.security, put.security];
  };
  await expect(securityWith(false)).resolves.toEqual([[{ bearer: [] }], [{ bearer: [] }]]);
  await expect(securityWith(true)).resolves.toEqual([[{ bearer: [] }, {}], [{ bearer: [] }]]);
});

test("describes every route, and no other", async () => {
  const readiness = createReadinessRoutes({ check: () => [] });
  const routes = [...(await testGateway()).routes, ...readiness.routes];
  const isCall = (path: string): boolean => /^\/(v1\/[^*]*|healthz|readyz|openapi\.json)$/.test(path);
  const served = routes.filter(({ path, method }) => isCall(path) && method !== "ALL");
  const names = served.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  // The route of any agent also serves an agent's own address.
  const documented = operations.map(({ name }) => name.replace("/users/me/", "/users/{userId}/"));
  expect(new Set(documented)).toEqual(new Set(names));
});

test.each(operations)("has parameters with valid examples for $name", ({ path, operation }) => {
  const { parameters = [] } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(inPath);
  for (const { schema, example } of parameters) expect(check(schema, example)).toBe("");
});

test.each(operations)("has examples that are valid by their schemas for $name", ({ operation }) => {
  for (const { schema, example } of contentsOf(operation)) {
    if (example !== undefined) expect(check(schema, example)).toBe("");
  }
});

test("gives each operation a unique name and an example of its response", () => {
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  for (const { name, operation } of operations) {
    const contents = Object.values(operation.responses["200"]?.content ?? {});
    // The document cannot contain itself as an example.
    if (name !== "GET /openapi.json") expect(contents.map(({ example }) => typeof example)).not.toContain("undefined");
  }
});

test.each([
  [{ userId: 1, status: "available", version: 7 }, true],
  [{ userId: 1, status: "in_traning", version: 7, wrapUpTimeConfig: 30, wrapUpTimeTtl: 5 }, true],
  [{ userId: 0, status: "available", version: 7 }, false],
  [{ userId: 2 ** 53, status: "available", version: 7 }, false],
  [{ userId: 1.5, status: "available", version: 7 }, false],
  [{ userId: 1, status: "away", version: 7 }, false],
  [{ userId: 1, status: "available", version: -1 }, false],
  [{ userId: 1, status: "available", version: 7, wrapUpTimeTtl: 5 }, false],
  [{ userId: 1, status: "available", version: 7, extra: 1 }, false],
])("validates %j as the contract does", (value, isValid) => {
  expect(v.is(Availability, value)).toBe(isValid);
  expect(check({ $ref: "#/components/schemas/Availability" }, value) === "").toBe(isValid);
});
