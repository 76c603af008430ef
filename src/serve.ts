/**
 * Puts the service together: settings → log → store → routes → listeners, and takes it apart in
 * reverse. The only file that knows all parts.
 */
import { dirname } from "node:path";
import { type Settings, webhookSecrets } from "./config.ts";
import type { DestinationConfig, Destinations } from "./core/destination-config.ts";
import { describe } from "./core/errors.ts";
import { NATIVE, type ProviderSource, type Source } from "./core/source.ts";
import type { Store } from "./core/store.ts";
import { rebuildIndexRoute } from "./features/admin/rebuild-index.ts";
import { type Reload, reloadRoute } from "./features/admin/reload.ts";
import { dashboardRoutes } from "./features/dashboard/assets.ts";
import { sessionRoutes } from "./features/dashboard/session.ts";
import type { ApiDocument } from "./features/docs/api-document.ts";
import { docsRoutes } from "./features/docs/docs.ts";
import { eventsRoute } from "./features/events/list.ts";
import { liveRoute, readyRoute } from "./features/health/health.ts";
import type { IngestOptions } from "./features/ingest/accounting.ts";
import { providerWebhookRoutes } from "./features/ingest/provider-webhook.ts";
import { sourceRoutes } from "./features/ingest/source-routes.ts";
import { type CountedSource, Sources } from "./features/ingest/sources.ts";
import { webhookRoute } from "./features/ingest/webhook.ts";
import { messagesRoute } from "./features/messages/list.ts";
import { messageRoute } from "./features/messages/one.ts";
import { sendersRoute } from "./features/messages/senders.ts";
import { metricsRoute } from "./features/metrics/metrics.ts";
import { type ServiceRouteOptions, serviceRoute } from "./features/stats/service.ts";
import { statsRoute } from "./features/stats/stats.ts";
import { ConsumerLags } from "./follow/consumers/lags.ts";
import { consumerRoutes } from "./follow/consumers/routes.ts";
import { Delivering } from "./follow/deliver/delivering.ts";
import { destinationFigures } from "./follow/deliver/destination-figures.ts";
import { destinationRoutes } from "./follow/deliver/routes.ts";
import { openSink } from "./follow/deliver/sinks.ts";
import { Following } from "./follow/following.ts";
import { logRoute } from "./follow/log/pages.ts";
import { requestRoute } from "./follow/log/request.ts";
import { logStreamRoute } from "./follow/log/stream.ts";
import { seriesRoutes } from "./follow/series/routes.ts";
import { Series } from "./follow/series/series.ts";
import { type Authorize, bearerAuth } from "./http/auth.ts";
import { BodyReader } from "./http/body.ts";
import { ClientAddresses } from "./http/client-address.ts";
import {
  ConnectionBound,
  type ConnectionLimit,
  connectionLimit,
  streamsLimit,
} from "./http/connection-bound.ts";
import { createDispatch, type Dispatch } from "./http/dispatch.ts";
import { FailedAuth } from "./http/failed-auth.ts";
import { changeRefusal, foreignPage, isLoopback } from "./http/host.ts";
import { openApiDocument } from "./http/openapi.ts";
import { type Listening, listen } from "./http/server.ts";
import { Sessions } from "./http/sessions.ts";
import { Streams } from "./http/streams.ts";
import { chance, type NewId, randomId, randomSeed } from "./lib/chance.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { diskSpace } from "./lib/disk-space.ts";
import { inTime } from "./lib/in-time.ts";
import type { Route } from "./lib/route.ts";
import { Log } from "./observe/log.ts";
import { Metrics } from "./observe/metrics.ts";
import { PrettyLines, type Terminal } from "./observe/pretty-lines.ts";
import { ThreadInspector } from "./sources/inspection/thread-inspector.ts";
import { nativeSource } from "./sources/native.ts";
import { openOriginal } from "./sources/original.ts";
import { openStore } from "./storage/open.ts";
import { VERSION } from "./version.ts";

/** What still runs after this is cut off, so that the exit comes within ten seconds of SIGTERM. */
const DRAIN_MS_MAX = 8500;
const SERIES_MS_MAX = 1000;
const LOG_FLUSH_MS_MAX = 500;
const POLL_MS = 5;

/** What a configuration file says; without one there is nothing of either. */
interface Configuration {
  /** With some, the native source is served only if it has a secret. */
  readonly sources: readonly ProviderSource[];
  readonly destinations: readonly DestinationConfig[];
}

interface Surroundings extends Partial<Configuration> {
  readonly clock?: Clock;
  readonly newId?: NewId;
  /** Where log lines go; 1 is stdout. */
  readonly logFd?: number;
  /** What log lines are written for; without it they are JSON. */
  readonly terminal?: Terminal | undefined;
  /** Whole lines in place of the log's `listening`, once it does. */
  readonly greeting?: ((ports: Pick<Service, "port" | "readPort">) => string) | undefined;
  /** Stands in for what hands records on. */
  readonly handsOn?: Destinations;
  /** What `POST /admin/reload` does; none without a configuration file. */
  readonly reload?: Reload;
  /** Told when the process can't keep its promise any more and has to end. */
  readonly onFatal?: (reason: string) => void;
}

export interface Service {
  readonly port: number;
  readonly readPort: number | undefined;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /**
   * Serves these sources and destinations from now on, and has that on stable storage when it
   * resolves; what came in before is still answered by its own source. Changes neither when it
   * throws: `StartRefused` when one of them can't be served.
   */
  readonly replaceConfiguration: (next: Configuration) => Promise<void>;
  /**
   * Stops: readiness turns 503, what was accepted is answered, the store is closed, the log
   * written. Idempotent. `graceMs` is how long requests are still accepted first.
   */
  readonly stop: (graceMs?: number) => Promise<void>;
}

/** Starts the service; throws `StartRefused` when it can't. */
export async function startService(settings: Settings, surroundings: Surroundings = {}): Promise<Service> {
  const { clock = systemClock, newId = randomId, logFd = 1, onFatal = () => undefined } = surroundings;
  const { sources: configured = [], destinations: wanted = [], reload, terminal, greeting } = surroundings;
  const secrets = nativeSecrets(settings, configured);
  const log = new Log({
    level: settings.logLevel,
    bufferBytesMax: settings.logBufferBytesMax,
    clock,
    lines: terminal && ((add) => new PrettyLines(terminal, clock, add)),
    fd: logFd,
  });
  const metrics = new Metrics({ version: VERSION, runtime: `bun ${Bun.version}` });
  const store = await openStore(settings.databaseUrl, {
    directUrl: settings.databaseDirectUrl?.url,
    readUrl: settings.databaseReadUrl?.url,
    queueRowsMax: settings.queueRowsMax,
    queueBytesMax: settings.queueBytesMax,
    queryTimeoutMs: settings.queryTimeoutMs,
    readThreads: settings.readThreads,
    followerLagRowsMax: settings.followerLagRowsMax,
    clock,
    newId,
    log,
    metrics,
    onFatal: (reason) => {
      log.error("a part of the process ended by itself", { reason });
      log.flushSync();
      onFatal(reason);
    },
  });
  const sources = new Sources(store, (name) => metrics.webhooksOf(name));
  const following = new Following({ store, clock, log });
  const delivering = new Delivering({
    ...{ following, log, holder: newId(), chance, requestsMax: settings.outboundRequestsMax },
    openSink: (config) => openSink(config, { version: VERSION, clock }),
    openOriginal,
  });
  const destinations = surroundings.handsOn ?? delivering;
  const series = new Series({ following, metrics, log, holder: newId() });
  let limit: ConnectionLimit | undefined;
  try {
    await sources.replace(configured, () => destinations.replace(wanted));
    limit = connectionLimit(settings.connectionsMax);
  } catch (error) {
    await destinations.close();
    await store.close();
    throw error;
  }
  metrics.watchStore(() => store.figures());
  metrics.watchCounter(
    "log_lines_dropped_total",
    "Log lines dropped because stdout was blocked.",
    () => log.dropped,
  );
  const lags = new ConsumerLags(following, log);
  metrics.watchConsumers(() => lags.lags());
  const figures = destinationFigures(following, delivering, log);
  metrics.watchDestinations(
    () => delivering.tallies,
    () => figures.read(),
  );
  const phase = { stopping: false, refusing: false };
  const bodies = new BodyReader(settings, clock);
  const perMinute = settings.failedAuthPerMinute;
  const failedAuth = new FailedAuth({ perMinute, seed: randomSeed(), clock, log });
  let bound: ConnectionBound | undefined;
  let listeners: readonly Listening[] = [];
  const streamsMax = streamsLimit(settings.streamsMax, limit);
  const streams = new Streams({ streamsMax, connections: () => bound?.connections() ?? [], log, clock });
  metrics.watchStreams(() => streams.size);
  const sessions = new Sessions({ tokens: apiTokens(settings), clock });
  const databaseFolder = folderOf(settings.databaseUrl);
  const dispatch = createDispatch({
    routes: routesOf({
      native: secrets.length === 0 ? undefined : nativeEntrance(secrets, sources, metrics),
      sources,
      ingest: { store, clock, inspector: inspectorOf(log), closing: () => phase.refusing },
      store,
      following,
      delivering,
      series,
      metrics,
      phase,
      log,
      reload,
      sessions,
      guarded: settings.apiToken !== undefined,
      service: {
        ...{ store, metrics, clock, version: VERSION, linesDropped: () => log.dropped },
        disk: async () => (databaseFolder === undefined ? undefined : diskSpace(databaseFolder)),
        queueRowsMax: settings.queueRowsMax,
        followerLagRowsMax: settings.followerLagRowsMax,
      },
      publicPort: settings.readPort === undefined ? undefined : () => listeners[0]?.port ?? settings.port,
      newId,
    }),
    authorize: authorities(settings, sessions),
    isForeign: foreigners(settings),
    changeRefusal: changeRefusal(settings.apiToken !== undefined, settings.host),
    clients: new ClientAddresses(settings.trustedProxies ?? { has: () => false }, (peer) =>
      log.warn(
        "X-Forwarded-For came from a private address that TRUSTED_PROXIES doesn't name: it isn't believed, and limits " +
          "by address don't count there",
        { peer },
      ),
    ),
    failedAuth,
    bodies,
    streams,
    log,
    metrics,
    clock,
    newId,
    closing: () => phase.stopping,
  });
  try {
    listeners = listenOn(settings, dispatch);
  } catch (error) {
    await destinations.close();
    await store.close();
    throw error;
  }
  announce(settings, listeners, { limit, streamsMax }, log, greeting);
  series.begin();
  const ports = listeners.map((listener) => listener.port);
  bound = limit && new ConnectionBound(limit, ports, { streams, log, clock });
  metrics.watchCounter(
    "http_connections_ended_total",
    "Connections ended because CONNECTIONS_MAX was reached.",
    () => bound?.ended ?? 0,
  );
  let stopped: Promise<void> | undefined;
  return {
    port: listeners[0]?.port ?? settings.port,
    readPort: listeners[1]?.port,
    log,
    replaceConfiguration: async (next) => {
      nativeSecrets(settings, next.sources);
      await sources.replace(next.sources, () => destinations.replace(next.destinations));
    },
    stop: (graceMs = 0) => {
      stopped ??= stop(
        {
          ...{
            phase,
            listeners,
            bound,
            following,
            streams,
            destinations,
            series,
            dispatch,
            store,
            bodies,
            failedAuth,
          },
          ...{ log, clock },
        },
        graceMs,
      );
      return stopped;
    },
  };
}

interface Phase {
  /** Readiness says 503 and clients are asked to leave. */
  stopping: boolean;
  /** Webhooks are refused. */
  refusing: boolean;
}

interface RouteOptions {
  /** Undefined when it isn't served. */
  readonly native: CountedSource<Source> | undefined;
  readonly sources: Sources;
  readonly ingest: IngestOptions;
  readonly store: Store;
  readonly following: Following;
  readonly delivering: Delivering;
  readonly series: Series;
  readonly metrics: Metrics;
  readonly phase: Phase;
  readonly log: Log;
  readonly reload: Reload | undefined;
  readonly sessions: Sessions;
  /** Whether a token is configured. */
  readonly guarded: boolean;
  readonly service: ServiceRouteOptions;
  /** Where webhooks come in, if reads have a listener of their own; known once it listens. */
  readonly publicPort: (() => number) | undefined;
  readonly newId: NewId;
}

function routesOf(options: RouteOptions): readonly Route[] {
  const { native, sources, ingest, store, following, delivering, series, metrics, phase, log } = options;
  const { reload, sessions, guarded, service, publicPort, newId } = options;
  const names = () => [...(native === undefined ? [] : [NATIVE]), ...sources.names];
  const routes: Route[] = [
    ...(native === undefined ? [] : [webhookRoute(native, ingest)]),
    ...providerWebhookRoutes(sources, ingest),
    messagesRoute(store),
    sendersRoute(store),
    messageRoute(store),
    eventsRoute(store),
    statsRoute(store),
    serviceRoute(service),
    ...sourceRoutes({ native, sources, ingest, readsApart: publicPort !== undefined, newId }),
    logRoute(following),
    logStreamRoute({ following, metrics }),
    requestRoute(following),
    ...consumerRoutes(following),
    ...destinationRoutes({ following, delivering }),
    ...seriesRoutes({ following, series, names }),
    liveRoute(),
    readyRoute(store, () => phase.stopping),
    metricsRoute(metrics),
    rebuildIndexRoute({ store, log, guarded }),
    reloadRoute({ reload, guarded }),
    ...dashboardRoutes(),
    ...sessionRoutes(sessions, VERSION),
    // The document describes every route, these two included.
    ...docsRoutes({
      ...{ guarded, publicPort, routes: () => routes },
      document: () => openApiDocument(routes, VERSION) as unknown as ApiDocument,
    }),
  ];
  return routes;
}

/** The OpenAPI document of a service, without starting one. */
export function describeService(): object {
  const nothing = {} as never;
  const phase = { stopping: false, refusing: false };
  const parts = {
    ...{ native: nothing, sources: nothing, ingest: nothing, store: nothing, following: nothing },
    ...{ delivering: nothing, series: nothing, metrics: nothing, sessions: nothing },
    ...{ service: { clock: systemClock } as never, publicPort: undefined, newId: nothing },
  };
  return openApiDocument(
    routesOf({ ...parts, phase, log: nothing, reload: undefined, guarded: true }),
    VERSION,
  );
}

/** None when only configured sources are served; throws `StartRefused` when nothing would be. */
function nativeSecrets(settings: Settings, sources: readonly ProviderSource[]): readonly string[] {
  return settings.webhookSecret === undefined && sources.length > 0 ? [] : webhookSecrets(settings);
}

function nativeEntrance(
  secrets: readonly string[],
  sources: Sources,
  metrics: Metrics,
): CountedSource<Source> {
  const source = nativeSource(secrets, (name) => sources.isReserved(name));
  return { source, tally: metrics.webhooksOf(source.name) };
}

/** Of the database's file; undefined where another machine has it, or may. */
function folderOf(url: Settings["databaseUrl"]): string | undefined {
  return "path" in url ? dirname(url.path) : undefined;
}

function inspectorOf(log: Log): ThreadInspector {
  return new ThreadInspector((reason) =>
    log.error("the thread that inspects large bodies ended", { reason }),
  );
}

function apiTokens({ apiToken, apiTokenPrevious }: Settings): readonly string[] {
  return [apiToken, apiTokenPrevious].filter((token) => token !== undefined);
}

function authorities(settings: Settings, sessions: Sessions) {
  const bearer = bearerAuth(apiTokens(settings));
  const token: Authorize = (headers, method) => bearer(headers) || sessions.authorize(headers, method);
  const open = bearerAuth([]);
  return { open, token, metrics: settings.metricsPublic ? open : token };
}

/**
 * By a route's access, what tells a stranger's page. Where a token is wanted it has none, and
 * nothing need tell it.
 */
function foreigners({ apiToken, metricsPublic, allowedHosts }: Settings) {
  const never = () => false;
  const guard = apiToken === undefined ? foreignPage(allowedHosts ?? new Set()) : never;
  return { open: never, token: guard, metrics: metricsPublic ? never : guard };
}

function listenOn(settings: Settings, dispatch: Dispatch): readonly Listening[] {
  const { host, port, readPort } = settings;
  if (readPort === undefined) return [listen(dispatch, host, port, "all")];
  const first = listen(dispatch, host, port, "public");
  try {
    return [first, listen(dispatch, host, readPort, "read")];
  } catch (error) {
    void first.close();
    throw error;
  }
}

function announce(
  settings: Settings,
  [first, second]: readonly Listening[],
  { limit, streamsMax }: { readonly limit: ConnectionLimit | undefined; readonly streamsMax: number },
  log: Log,
  greeting: Surroundings["greeting"],
): void {
  if (settings.apiToken === undefined && !isLoopback(settings.host)) {
    log.warn(
      "API_TOKEN is not set and HOST is not a loopback address: everyone who reaches this port can read all messages",
    );
  }
  const { port = settings.port } = first ?? {};
  const readPort = second?.port;
  if (greeting !== undefined) log.text(greeting({ port, readPort }));
  else
    log.info("listening", {
      version: VERSION,
      host: settings.host,
      port,
      read_port: readPort,
      connections_max: limit?.connectionsMax,
      open_files_max: limit?.openFilesMax,
      // Only where the limit of open files leaves fewer than STREAMS_MAX.
      streams_max: streamsMax < settings.streamsMax ? streamsMax : undefined,
    });
}

interface Running {
  readonly phase: Phase;
  readonly listeners: readonly Listening[];
  readonly bound: ConnectionBound | undefined;
  readonly following: Following;
  readonly streams: Streams;
  readonly destinations: Destinations;
  readonly series: Series;
  readonly dispatch: Dispatch;
  readonly store: Store;
  readonly bodies: BodyReader;
  readonly failedAuth: FailedAuth;
  readonly log: Log;
  readonly clock: Clock;
}

async function stop(running: Running, graceMs: number): Promise<void> {
  const { phase, listeners, bound, following, streams, destinations, dispatch, store, bodies } = running;
  const { series, failedAuth, log, clock } = running;
  const deadline = clock.elapsed() + DRAIN_MS_MAX;
  phase.stopping = true;
  log.info("stopping", { grace_ms: graceMs });
  streams.close();
  following.stop();
  const handedOn = destinations.close();
  handedOn.catch(() => undefined);
  await Bun.sleep(graceMs);
  phase.refusing = true;
  for (const listener of listeners) listener.stopAccepting();
  while (dispatch.inFlight() > 0 && clock.elapsed() < deadline) await Bun.sleep(POLL_MS);
  // What is answered may still be on its way to the socket.
  await Bun.sleep(POLL_MS);
  await Promise.all(listeners.map((listener) => listener.close()));
  bodies.close();
  failedAuth.close();
  bound?.close();
  const left = Math.max(0, deadline - clock.elapsed());
  await inTime(handedOn, left, new Error("they took too long")).catch((error: unknown) =>
    log.error("destinations were cut off", { reason: describe(error) }),
  );
  const counted = inTime(series.close(), Math.min(left, SERIES_MS_MAX), new Error("it took too long"));
  await counted.catch((error: unknown) =>
    log.warn("the numbers over time miss what was counted last", { reason: describe(error) }),
  );
  await store.close();
  log.info("stopped");
  await log.flush(LOG_FLUSH_MS_MAX);
}
