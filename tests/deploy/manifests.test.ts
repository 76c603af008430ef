/**
 * What Postern is deployed by agrees with itself and with the program. Each kind of mistake is put
 * in once, so that the test is known to find it.
 */
import { describe, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { composeMistakes } from "./compose.ts";
import { type Files, readDeployFiles, textOf } from "./files.ts";
import { kubernetesMistakes } from "./kubernetes.ts";

const FILES = readDeployFiles();
const YAML = [...FILES.keys()].filter((path) => /\.ya?ml$/.test(path));

/** The files with another text in place of one, which has to be there. */
function withChange(name: string, from: string, to: string): Files {
  const path = FILES.has(name) ? name : `deploy/kubernetes/${name}`;
  const text = textOf(FILES, path);
  expect(text).toContain(from);
  return new Map([...FILES, [path, text.replace(from, to)]]);
}

test.each(YAML)("%s is one YAML document without mistakes", (path) => {
  const documents = parseAllDocuments(textOf(FILES, path));
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  expect(documents.length).toBe(1);
});

describe("the Kubernetes manifests", () => {
  test("the Kubernetes manifests agree with each other, with the image and with the program", () => {
    expect(kubernetesMistakes(FILES)).toEqual([]);
  });

  test.each([
    ["kustomization.yaml", "  - service.yaml\n", "", "service.yaml is not listed"],
    ["kustomization.yaml", "name: postern\n", "name: other\n", "no container has the image other"],
    [
      "deployment.yaml",
      "/health/ready",
      "/health/redy",
      "the readiness probe asks for /health/redy, which is no route",
    ],
    ["deployment.yaml", "/health/live", "/health/ready", "the startup probe asks for /health/ready"],
    ["deployment.yaml", "API_TOKEN_FILE", "API_TOKENS_FILE", "nothing reads API_TOKENS_FILE"],
    [
      "deployment.yaml",
      "/postern/api-token",
      "/postern/api",
      "API_TOKEN_FILE is /run/secrets/postern/api, which no Secret puts there",
    ],
    ["deployment.yaml", 'value: ""', 'value: "x"', "DATABASE_URL and DATABASE_URL_FILE are both set"],
    ["deployment.yaml", 'value: "3000"', 'value: "9000"', "SHUTDOWN_GRACE_MS does not take 9000"],
    [
      "deployment.yaml",
      "containerPort: 8001",
      "containerPort: 8002",
      "READ_PORT is 8001, the container's reads is 8002",
    ],
    ["deployment.yaml", "name: reads", "name: read", "the Service's port reads is none of the container's"],
    ["deployment.yaml", "value: private", 'value: ""', "everybody behind the Ingress is one address"],
    ["deployment.yaml", "value: private", "value: ingress", "TRUSTED_PROXIES does not take ingress"],
    ["deployment.yaml", "seconds: 5", "seconds: 25", "a stop may take 35 s and has 30 s"],
    [
      "deployment.yaml",
      "postern/postern.yaml",
      "postern/other.yaml",
      "POSTERN_CONFIG is /etc/postern/other.yaml, which no ConfigMap puts there",
    ],
    ["deployment.yaml", "drop: [ALL]", "drop: [NET_RAW]", "capabilities are kept"],
    ["deployment.yaml", "runAsUser: 65532", "runAsUser: 1000", "the pod's user is not the image's"],
    [
      "deployment.yaml",
      "minReadySeconds: 5",
      "replicas: 2",
      "applying the Deployment sets the autoscaler's number back",
    ],
    [
      "config-map.yaml",
      "meta-app-secret}",
      "secret}",
      "the sources read /run/secrets/postern/secret, which no Secret puts there",
    ],
    [
      "service.yaml",
      "selector:\n    app.kubernetes.io/name: postern",
      "selector:\n    app: postern",
      "the Service selects other pods",
    ],
    [
      "pod-disruption-budget.yaml",
      "matchLabels:\n      app.kubernetes.io/name: postern",
      "matchLabels: {}",
      "the PodDisruptionBudget selects other pods",
    ],
    [
      "network-policy.yaml",
      "port: webhooks",
      "port: web",
      "the NetworkPolicy's port web is none of the container's",
    ],
    [
      "horizontal-pod-autoscaler.yaml",
      "minReplicas: 2",
      "minReplicas: 1",
      "the autoscaler allows 1 to 6 replicas",
    ],
    [
      "horizontal-pod-autoscaler.yaml",
      "kind: Deployment\n    name: postern",
      "kind: Deployment\n    name: api",
      "the autoscaler's target is Deployment api",
    ],
    ["ingress.yaml", "path: /webhook", "path: /", "the Ingress lets / (Prefix) through"],
    ["ingress.yaml", "name: webhooks", "name: reads", "the Ingress leads to the port reads"],
  ])("a slip in %s is found: %j → %j", (name, from, to, mistake) => {
    expect(kubernetesMistakes(withChange(name, from, to))).toContain(mistake);
  });
});

describe("the compose files", () => {
  test("the compose files agree with each other and with the program", () => {
    expect(composeMistakes(FILES)).toEqual([]);
  });

  test.each([
    [
      "docker-compose.yml",
      "QUEUE_ROWS_MAX:",
      "QUEUE_ROW_MAX:",
      "docker-compose.yml: api: nothing reads QUEUE_ROW_MAX",
    ],
    [
      "docker-compose.yml",
      "read_only: true",
      "read_only: false",
      "docker-compose.yml: api: the root file system can be written",
    ],
    [
      "docker-compose.tls.yml",
      "      api:\n",
      "      app:\n",
      "docker-compose.tls.yml: proxy: there is no service app",
    ],
    [
      "docker-compose.tls.yml",
      "READ_PORT",
      "READS_PORT",
      "docker-compose.tls.yml: api: nothing reads READS_PORT",
    ],
    [
      "docker-compose.postgres.yml",
      "  api-2: *api\n",
      "",
      "docker-compose.postgres.yml: there is one replica",
    ],
    [
      "docker-compose.postgres.yml",
      "api-2:8000",
      "api-3:8000",
      "docker-compose.postgres.yml: the balancer does not serve api-1:8000 api-2:8000",
    ],
    [
      "docker-compose.postgres.yml",
      '"3000"',
      '"3 s"',
      "docker-compose.postgres.yml: api-1: SHUTDOWN_GRACE_MS does not take 3 s",
    ],
    [
      "docker-compose.postgres.yml",
      "    API_TOKEN_PREVIOUS:",
      "    # API_TOKEN_PREVIOUS:",
      "docker-compose.postgres.yml: API_TOKEN_PREVIOUS is not passed on",
    ],
    [
      "docker-compose.postgres.yml",
      "fsync=on",
      "fsync=off",
      "docker-compose.postgres.yml: PostgreSQL is not told to sync",
    ],
    [
      "docker-compose.postgres.yml",
      "    internal: true",
      "    internal: false",
      "docker-compose.postgres.yml: PostgreSQL can be reached from outside",
    ],
    [
      "docker-compose.postgres.yml",
      "postgres-data:/var/lib/postgresql",
      "data:/var/lib/postgresql",
      "docker-compose.postgres.yml: postgres: there is no data",
    ],
    [
      "docker-compose.postgres.yml",
      "POSTGRES_PASSWORD:?",
      "POSTGRES_PASSWORD:-",
      "docker-compose.postgres.yml: PostgreSQL starts without a password of its own",
    ],
    [
      "docker-compose.tls.yml",
      "TRUSTED_PROXIES: private",
      "HOST: 0.0.0.0",
      "docker-compose.tls.yml: api: everybody behind the proxy is one address",
    ],
    [
      "docker-compose.postgres.yml",
      "TRUSTED_PROXIES:-private}",
      "TRUSTED_PROXIES:-}",
      "docker-compose.postgres.yml: api-2: everybody behind the proxy is one address",
    ],
    [
      "deploy/Caddyfile.balancer",
      "trusted_proxies {$BALANCER_TRUSTED_PROXIES}",
      "trusted_proxies private_ranges",
      "deploy/Caddyfile.balancer believes a stranger's X-Forwarded-For",
    ],
    ["deploy/Caddyfile.balancer", "/health/ready", "/health", "the balancer asks for /health"],
    [
      "deploy/Caddyfile",
      "keepalive 20s",
      "keepalive 40s",
      "deploy/Caddyfile keeps connections that Postern has closed after 30 s",
    ],
  ])("a slip in %s is found: %j → %j", (name, from, to, mistake) => {
    expect(composeMistakes(withChange(name, from, to))).toContain(mistake);
  });
});
