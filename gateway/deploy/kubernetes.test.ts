import { readdirSync, readFileSync } from "node:fs";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { Ingress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import * as v from "valibot";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { createReadinessRoutes } from "../operations/lifecycle/health.ts";
import { createTrustedProxies } from "../operations/limits/client-address.ts";
import { VARIABLES } from "../settings/settings.ts";

const DIRECTORY = new URL("kubernetes/", import.meta.url);

/** Reads all documents of a manifest. */
function read(name: string): readonly unknown[] {
  return parseAllDocuments(readFileSync(new URL(name, DIRECTORY), "utf8")).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}

/** Kinds that Kubernetes itself defines. The others belong to kustomize and to the Prometheus Operator. */
const MODELS = { Deployment, Ingress, PodDisruptionBudget, Secret, Service };

const Kind = v.looseObject({ kind: v.string() });

const manifests = readdirSync(DIRECTORY).flatMap((name) =>
  read(name).map((manifest) => ({ name, manifest, ...v.parse(Kind, manifest) })),
);

test.each(manifests)("$name is a valid $kind", ({ name, kind, manifest }) => {
  if (!(kind in MODELS)) expect(["kustomization.yaml", "service-monitor.yaml"]).toContain(name);
  for (const [modelled, Model] of Object.entries(MODELS)) {
    if (modelled === kind) new Model(v.parse(v.looseObject({}), manifest)).validate();
  }
});

test("every manifest is used, or named as optional, by the kustomization", () => {
  const text = readFileSync(new URL("kustomization.yaml", DIRECTORY), "utf8");
  const others = manifests.map(({ name }) => name).filter((name) => name !== "kustomization.yaml");
  for (const name of others) if (name !== "secret.example.yaml") expect(text).toContain(`- ${name}\n`);
});

const Probe = v.looseObject({
  httpGet: v.object({ path: v.string(), port: v.string() }),
  timeoutSeconds: v.number(),
  periodSeconds: v.number(),
});

const DeploymentManifest = v.looseObject({
  spec: v.looseObject({
    replicas: v.number(),
    strategy: v.object({ rollingUpdate: v.object({ maxUnavailable: v.literal(0), maxSurge: v.number() }) }),
    template: v.looseObject({
      spec: v.looseObject({
        enableServiceLinks: v.literal(false),
        terminationGracePeriodSeconds: v.number(),
        securityContext: v.looseObject({ runAsNonRoot: v.literal(true) }),
        containers: v.tuple([
          v.looseObject({
            env: v.array(v.object({ name: v.string(), value: v.string() })),
            ports: v.array(v.object({ name: v.string(), containerPort: v.number() })),
            startupProbe: Probe,
            livenessProbe: Probe,
            readinessProbe: Probe,
            resources: v.object({
              requests: v.object({ cpu: v.string(), memory: v.string() }),
              limits: v.object({ memory: v.string() }),
            }),
            securityContext: v.object({
              allowPrivilegeEscalation: v.literal(false),
              readOnlyRootFilesystem: v.literal(true),
              capabilities: v.object({ drop: v.tuple([v.literal("ALL")]) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

const { spec } = v.parse(DeploymentManifest, read("deployment.yaml")[0]);
const pod = spec.template.spec;
const [container] = pod.containers;

test("runs two gateways or more, with settings that the gateway has", () => {
  expect(spec.replicas).toBeGreaterThanOrEqual(2);
  const known = VARIABLES.map(({ name }) => name);
  for (const { name } of container.env) expect(known).toContain(name);
});

test("counts bad tokens by the clients' addresses, which the ingress forwards from the network of the pods", () => {
  const value = container.env.find(({ name }) => name === "TRUSTED_PROXIES")?.value ?? "";
  expect(createTrustedProxies(value.split(","))?.includes("10.244.3.17")).toBe(true);
  const page = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  expect(page).toMatch(/`TRUSTED_PROXIES` in `deployment\.yaml`/);
});

const IngressManifest = v.looseObject({
  metadata: v.looseObject({ name: v.string(), annotations: v.record(v.string(), v.string()) }),
  spec: v.looseObject({
    tls: v.array(v.unknown()),
    rules: v.tuple([
      v.object({
        host: v.string(),
        http: v.object({
          paths: v.array(v.object({ path: v.string(), pathType: v.string(), backend: v.unknown() })),
        }),
      }),
    ]),
  }),
});

const ingresses = read("ingress.yaml").map((manifest) => v.parse(IngressManifest, manifest));

/** Reads an annotation of ingress-nginx. */
const annotationOf = (ingress: (typeof ingresses)[number] | undefined, name: string) =>
  ingress?.metadata.annotations[`nginx.ingress.kubernetes.io/${name}`];

/**
 * Finds the Ingress of a path as ingress-nginx does as soon as an Ingress of the host has `use-regex`: every path is the
 * start of a regular expression without case, and the longest one comes first.
 */
function findIngress(path: string) {
  return ingresses
    .flatMap((ingress) => ingress.spec.rules[0].http.paths.map((rule) => ({ ingress, rule })))
    .sort((a, b) => b.rule.path.length - a.rule.path.length)
    .find(({ rule }) => new RegExp(`^${rule.path}`, "i").test(path))?.ingress;
}

test.each([
  "/widget/assets/live-Bx1.js",
  "/c/acme/widget/assets/live-Bx1.js",
  "/embed-badge-aee45334.js",
  "/embed-0.1.0.js",
  "/c/acme/embed-0.1.0.js",
])("asks another pod for %s if one pod has no such file", (path) => {
  const ingress = findIngress(path);
  expect(annotationOf(ingress, "proxy-next-upstream")).toBe("error timeout http_404");
  // Every pod during a rollout.
  const pods = spec.replicas + spec.strategy.rollingUpdate.maxSurge;
  expect(Number(annotationOf(ingress, "proxy-next-upstream-tries"))).toBeGreaterThanOrEqual(pods);
});

test.each(["/widget/", "/c/acme/widget/", "/embed.js", "/c/acme/embed.js", "/v1/users/1/availability", "/c/acme/v1/x"])(
  "asks no other pod for %s after a 404",
  (path) => {
    const ingress = findIngress(path);
    expect(ingress?.metadata.name).toBe("availability-gateway");
    expect(annotationOf(ingress, "proxy-next-upstream")).toBeUndefined();
  },
);

test("keeps the operator's paths from the outside, and has the same host and certificate for files", () => {
  for (const path of ["/healthz", "/readyz", "/metrics", "/"]) expect(findIngress(path)).toBeUndefined();
  const [pages, files] = ingresses;
  expect(files?.spec.tls).toEqual(pages?.spec.tls);
  expect(files?.spec.rules[0].host).toBe(pages?.spec.rules[0].host);
  expect(annotationOf(files, "use-regex")).toBe("true");
  // ingress-nginx rejects a regular expression in a path of another type.
  for (const { pathType } of files?.spec.rules[0].http.paths ?? []) expect(pathType).toBe("ImplementationSpecific");
});

test("gives a gateway the time that it takes to stop", () => {
  const drainDelaySeconds = Number(container.env.find(({ name }) => name === "DRAIN_DELAY_SECONDS")?.value);
  // Until a failed probe has taken the pod out of the service.
  expect(drainDelaySeconds).toBeGreaterThan(
    container.readinessProbe.periodSeconds + container.readinessProbe.timeoutSeconds,
  );
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drainDelaySeconds + 10);
});

test("reaches the ports of the image", () => {
  const image = readFileSync(new URL("Containerfile", import.meta.url), "utf8");
  const portOf = (variable: string) => Number(new RegExp(`\\b${variable}=(\\d+)`).exec(image)?.[1]);
  expect(container.ports).toEqual([
    { name: "http", containerPort: portOf("GATEWAY_PORT") },
    { name: "operator", containerPort: portOf("GATEWAY_ADMIN_PORT") },
  ]);
});

test("starts with the store, and then stays ready without the store and without any customer's upstream", async () => {
  const routes = createReadinessRoutes({ check: (checks = []) => checks.filter((name) => name === "store") });
  expect((await routes.request(container.startupProbe.httpGet.path)).status).toBe(503);
  expect((await routes.request(container.readinessProbe.httpGet.path)).status).toBe(200);
  expect(container.livenessProbe.httpGet.path).toBe("/healthz");
});
