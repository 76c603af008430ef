/** Whether the Kubernetes manifests agree with each other, with the image and with the program. */
import { parse } from "yaml";
import { parseConfigFile } from "../../src/config-file/config-file.ts";
import { type Files, getPaths, imageEnvironment, readVariable, textOf } from "./files.ts";

const FOLDER = "deploy/kubernetes/";
/** All of the stop after SIGTERM, as docs/operations.md says. */
const STOP_S = 10;

type Labels = Readonly<Record<string, string>>;
interface Selector {
  readonly matchLabels: Labels;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Volume {
  readonly name: string;
  readonly secret?: { readonly items: readonly { readonly path: string }[] };
  readonly configMap?: { readonly name: string };
}
interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: unknown;
  readonly topologySpreadConstraints: readonly { readonly labelSelector: Selector }[];
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
}
interface Manifest<Spec = unknown> {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly spec: Spec;
}
interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string }[];
}
type Deployment = Manifest<{
  readonly replicas?: number;
  readonly selector: Selector;
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
}>;
type Service = Manifest<{
  readonly selector: Labels;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
}>;
type Autoscaler = Manifest<{
  readonly scaleTargetRef: { readonly kind: string; readonly name: string };
  readonly minReplicas: number;
  readonly maxReplicas: number;
}>;
type Policy = Manifest<{
  readonly podSelector: Selector;
  readonly ingress: readonly { readonly ports: readonly { readonly port: string }[] }[];
}>;
interface Backend {
  readonly service: { readonly name: string; readonly port: { readonly name: string } };
}
type Ingress = Manifest<{
  readonly rules: readonly {
    readonly http: {
      readonly paths: readonly {
        readonly path: string;
        readonly pathType: string;
        readonly backend: Backend;
      }[];
    };
  }[];
}>;

/**
 * Every mistake, in words; none when all is well. Throws for a file without what a manifest of its
 * kind must have.
 */
export function kubernetesMistakes(files: Files): string[] {
  const read = <T>(name: string) => parse(textOf(files, FOLDER + name)) as T;
  const deployment = read<Deployment>("deployment.yaml");
  const service = read<Service>("service.yaml");
  return [
    ...listMistakes(files, read<Kustomization>("kustomization.yaml"), deployment),
    ...labelMistakes(files, deployment, service),
    ...portMistakes(deployment, service, read<Policy>("network-policy.yaml"), read<Ingress>("ingress.yaml")),
    ...scaleMistakes(deployment, read<Autoscaler>("horizontal-pod-autoscaler.yaml")),
    ...probeMistakes(deployment),
    ...environmentMistakes(files, deployment),
    ...configMistakes(deployment, read<{ data: Record<string, string> }>("config-map.yaml").data),
    ...securityMistakes(files, deployment),
  ];
}

const containerOf = ({ spec }: Deployment) => spec.template.spec.containers[0];

function listMistakes(files: Files, list: Kustomization, deployment: Deployment): string[] {
  const there = [...files.keys()]
    .filter((path) => path.startsWith(FOLDER))
    .map((path) => path.slice(FOLDER.length));
  const listed = ["kustomization.yaml", ...list.resources];
  const { image } = containerOf(deployment);
  return [
    ...there.filter((name) => !listed.includes(name)).map((name) => `${name} is not listed`),
    ...listed.filter((name) => !there.includes(name)).map((name) => `${name} is listed and not there`),
    ...list.images
      .filter(({ name }) => name !== image)
      .map(({ name }) => `no container has the image ${name}`),
  ];
}

function labelMistakes(files: Files, deployment: Deployment, service: Service): string[] {
  const { template, selector } = deployment.spec;
  const selectorOf = (name: string) =>
    (parse(textOf(files, FOLDER + name)) as Manifest<{ selector?: Selector; podSelector?: Selector }>).spec;
  const selectors: readonly (readonly [string, Labels | undefined])[] = [
    ["the Deployment", selector.matchLabels],
    ["the Service", service.spec.selector],
    ["the PodDisruptionBudget", selectorOf("pod-disruption-budget.yaml").selector?.matchLabels],
    ["the NetworkPolicy", selectorOf("network-policy.yaml").podSelector?.matchLabels],
    ...template.spec.topologySpreadConstraints.map(
      ({ labelSelector }) => ["a topologySpreadConstraint", labelSelector.matchLabels] as const,
    ),
  ];
  return selectors
    .filter(([, labels = {}]) => {
      const entries = Object.entries(labels);
      return entries.length === 0 || entries.some(([key, value]) => template.metadata.labels[key] !== value);
    })
    .map(([who]) => `${who} selects other pods`);
}

function portMistakes(deployment: Deployment, service: Service, policy: Policy, ingress: Ingress): string[] {
  const names = containerOf(deployment).ports.map(({ name }) => name);
  const paths = ingress.spec.rules.flatMap(({ http }) => http.paths);
  const backends = paths.map(({ backend }) => backend.service);
  const inPolicy = policy.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
  const offered = service.spec.ports.map(({ name }) => name);
  return [
    ...service.spec.ports
      .filter(({ targetPort }) => !names.includes(targetPort))
      .map(({ targetPort }) => `the Service's port ${targetPort} is none of the container's`),
    ...inPolicy
      .filter((port) => !names.includes(port))
      .map((port) => `the NetworkPolicy's port ${port} is none of the container's`),
    ...backends
      .filter(({ name }) => name !== service.metadata.name)
      .map(({ name }) => `the Ingress leads to the Service ${name}`),
    ...backends
      .filter(({ port }) => port.name !== "webhooks" || !offered.includes(port.name))
      .map(({ port }) => `the Ingress leads to the port ${port.name}`),
    ...paths
      .filter(({ path, pathType }) => path !== "/webhook" || pathType !== "Prefix")
      .map(({ path, pathType }) => `the Ingress lets ${path} (${pathType}) through`),
  ];
}

function scaleMistakes(deployment: Deployment, { spec }: Autoscaler): string[] {
  const { kind, name } = spec.scaleTargetRef;
  const found: string[] = [];
  if (kind !== deployment.kind || name !== deployment.metadata.name)
    found.push(`the autoscaler's target is ${kind} ${name}`);
  if (spec.minReplicas < 2 || spec.maxReplicas < spec.minReplicas)
    found.push(`the autoscaler allows ${spec.minReplicas} to ${spec.maxReplicas} replicas`);
  if (deployment.spec.replicas !== undefined)
    found.push("applying the Deployment sets the autoscaler's number back");
  return found;
}

function probeMistakes(deployment: Deployment): string[] {
  const container = containerOf(deployment);
  const { terminationGracePeriodSeconds: allowed } = deployment.spec.template.spec;
  const probes = {
    startup: container.startupProbe,
    liveness: container.livenessProbe,
    readiness: container.readinessProbe,
  };
  const stop = container.lifecycle.preStop.sleep.seconds + STOP_S;
  return [
    ...Object.entries(probes).flatMap(([name, { httpGet }]) => [
      ...(getPaths().includes(httpGet.path)
        ? []
        : [`the ${name} probe asks for ${httpGet.path}, which is no route`]),
      ...(httpGet.port === "webhooks" ? [] : [`the ${name} probe asks the port ${httpGet.port}`]),
      ...((name === "readiness") === (httpGet.path === "/health/ready")
        ? []
        : [`the ${name} probe asks for ${httpGet.path}`]),
    ]),
    ...(stop <= allowed ? [] : [`a stop may take ${stop} s and has ${allowed} s`]),
  ];
}

/** Where the items of a mounted Secret are. */
function secretPaths(deployment: Deployment): readonly string[] {
  const { volumes } = deployment.spec.template.spec;
  return containerOf(deployment).volumeMounts.flatMap(({ name, mountPath }) =>
    (volumes.find((volume) => volume.name === name)?.secret?.items ?? []).map(
      ({ path }) => `${mountPath}/${path}`,
    ),
  );
}

function environmentMistakes(files: Files, deployment: Deployment): string[] {
  const { env, ports } = containerOf(deployment);
  const given = new Map([
    ...imageEnvironment(files),
    ...env.map(({ name, value }) => [name, value] as const),
  ]);
  const portOf = (name: string) => String(ports.find((port) => port.name === name)?.containerPort);
  const found = env.flatMap(({ name, value }) => {
    const variable = readVariable(name);
    if (variable === undefined) return [`nothing reads ${name}`];
    if (!variable.isFile) return variable.takes(value) ? [] : [`${name} does not take ${value}`];
    return [
      ...(secretPaths(deployment).includes(value) ? [] : [`${name} is ${value}, which no Secret puts there`]),
      ...(given.get(variable.name) ? [`${variable.name} and ${name} are both set`] : []),
    ];
  });
  if (!given.get("TRUSTED_PROXIES")) found.push("everybody behind the Ingress is one address");
  for (const [name, port] of [
    ["PORT", "webhooks"],
    ["READ_PORT", "reads"],
  ] as const)
    if (given.get(name) !== portOf(port))
      found.push(`${name} is ${given.get(name)}, the container's ${port} is ${portOf(port)}`);
  return found;
}

/** The file that POSTERN_CONFIG names is in the ConfigMap, and the program takes it. */
function configMistakes(deployment: Deployment, data: Readonly<Record<string, string>>): string[] {
  const { env, volumeMounts } = containerOf(deployment);
  const { volumes } = deployment.spec.template.spec;
  const path = env.find(({ name }) => name === "POSTERN_CONFIG")?.value ?? "";
  const folder = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const isMounted = volumes.some(
    ({ name, configMap }) => name === folder?.name && configMap?.name === "postern",
  );
  const text = data[path.slice((folder?.mountPath.length ?? 0) + 1)];
  if (!isMounted || text === undefined) return [`POSTERN_CONFIG is ${path}, which no ConfigMap puts there`];
  const reference = /\$\{file:([^}]+)\}/g;
  const missing = [...text.matchAll(reference)]
    .map(([, file = ""]) => file)
    .filter((file) => !secretPaths(deployment).includes(file));
  parseConfigFile(text.replace(reference, "a-secret"), "postern.yaml", {});
  return missing.map((file) => `the sources read ${file}, which no Secret puts there`);
}

function securityMistakes(files: Files, deployment: Deployment): string[] {
  const pod = JSON.stringify(deployment.spec.template.spec.securityContext);
  const container = JSON.stringify(containerOf(deployment).securityContext);
  const [, user = ""] = /^USER (\d+):/m.exec(textOf(files, "Dockerfile")) ?? [];
  const rules: readonly (readonly [string, string, string])[] = [
    [pod, '"runAsNonRoot":true', "the pod may run as root"],
    [pod, `"runAsUser":${user},`, "the pod's user is not the image's"],
    [pod, '"seccompProfile":{"type":"RuntimeDefault"}', "system calls are not filtered"],
    [container, '"readOnlyRootFilesystem":true', "the root file system can be written"],
    [container, '"allowPrivilegeEscalation":false', "privileges may grow"],
    [container, '"drop":["ALL"]', "capabilities are kept"],
  ];
  return rules.filter(([text, rule]) => !text.includes(rule)).map(([, , mistake]) => mistake);
}
