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
