import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../tests/folder.ts";
import { processorMs } from "../tests/processor-time.ts";
import { readSettings, SETTINGS, webhookSecrets } from "./config.ts";
import { StartRefused } from "./core/errors.ts";
import { bearerAuth } from "./http/auth.ts";

const folder = newFolder();
afterAll(() => folder.remove());

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(folder.path, `file-${files++}`);
  writeFileSync(path, content);
  return path;
}

/** The one line with which a start is refused. */
function refusal(environment: Record<string, string>): string {
  try {
    webhookSecrets(readSettings(environment));
  } catch (error) {
    expect(error).toBeInstanceOf(StartRefused);
    const { message } = error as StartRefused;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("not refused");
}

const SECRET = { WEBHOOK_SECRET: "secret" };

describe("without any variable", () => {
  test("without any variable the defaults are those of the contract", () => {
    expect(readSettings({})).toEqual({
      webhookSecret: undefined,
      webhookSecretPrevious: undefined,
      configFile: undefined,
      databaseUrl: { engine: "sqlite", path: "data/postern.db" },
      databaseDirectUrl: undefined,
      databaseReadUrl: undefined,
      logLevel: "INFO",
      host: "127.0.0.1",
      port: 8000,
      readPort: undefined,
      trustedProxies: undefined,
      failedAuthPerMinute: 600,
      allowedHosts: undefined,
      apiToken: undefined,
      apiTokenPrevious: undefined,
      metricsPublic: false,
      connectionsMax: undefined,
      streamsMax: 1_000,
      outboundRequestsMax: 256,
      bodyBytesMax: 4 * 1024 * 1024,
      bodyBytesInflightMax: 64 * 1024 * 1024,
      bodyBytesInflightPerClientMax: undefined,
      bodyTimeoutMs: 10_000,
      queueRowsMax: 20_000,
      queueBytesMax: 67_108_864,
      queryTimeoutMs: 5_000,
      readThreads: 2,
      followerLagRowsMax: 65_536,
      logBufferBytesMax: 8 * 1024 * 1024,
      shutdownGraceMs: 0,
    } as ReturnType<typeof readSettings>);
  });

  test("without any variable serving is refused for want of a secret", () => {
    expect(refusal({})).toContain("WEBHOOK_SECRET");
  });

  test("empty variables count as none", () => {
    const empty = Object.fromEntries(
      Object.values(SETTINGS).flatMap(({ name }) => [
        [name, ""],
        [`${name}_FILE`, ""],
      ]),
    );
    expect(readSettings(empty)).toEqual(readSettings({}));
  });
});

describe("a bad value stops the start with one line: the variable, what it got, what it takes", () => {
  const numbers = Object.values(SETTINGS)
    .filter(({ takes }) => takes.startsWith("a whole number"))
    .map(({ name }) => name);
  test("there are numbers to test", () => expect(numbers.length).toBeGreaterThanOrEqual(9));

  const bad: [name: string, value: string][] = [
    ...numbers.flatMap((name) =>
      ["-1", "x", "1.5", "1e3", " 1", "1 ", "0x10", "99999999999999999", "+1", "NaN", "Infinity", "1\n2"].map(
        (value): [string, string] => [name, value],
      ),
    ),
    ["PORT", "65536"],
    ["READ_PORT", "0"],
    ["READ_PORT", "65536"],
    ["BODY_BYTES_MAX", "0"],
    ["QUEUE_ROWS_MAX", "0"],
    ["QUERY_TIMEOUT_MS", "0"],
    ["SHUTDOWN_GRACE_MS", "8001"],
    ["LOG_LEVEL", "TRACE"],
    ["LOG_LEVEL", "INFO "],
    ["LOG_LEVEL", "0"],
    ["LOG_FORMAT", "text"],
    ["METRICS_PUBLIC", "yes"],
    ["METRICS_PUBLIC", "1"],
    ["METRICS_PUBLIC", "toString"],
    ["METRICS_PUBLIC", "__proto__"],
    ["METRICS_PUBLIC", "constructor"],
    ["DATABASE_URL", "sqlite:///:memory:"],
    ["DATABASE_URL", "sqlite://"],
    ["DATABASE_URL", "postgres://127.0.0.1/db"],
    ["DATABASE_URL", "app.db"],
    ["DATABASE_DIRECT_URL", "sqlite:////data/app.db"],
    ["DATABASE_DIRECT_URL", "postgres://127.0.0.1/db"],
    ["DATABASE_READ_URL", "sqlite:////data/app.db"],
    ["DATABASE_READ_URL", "postgres://127.0.0.1/db"],
  ];
  test.each(bad)("%s=%j stops the start with one line", (name, value) => {
    const line = refusal({ ...SECRET, [name]: value });
    const row = Object.values(SETTINGS).find((each) => each.name === name);
    expect(line).toContain(name);
    expect(line).toContain(JSON.stringify(value));
    expect(line).toContain(row?.takes ?? "?");
  });

  test("a direct way to a SQLite file stops the start", () => {
    const line = refusal({ ...SECRET, DATABASE_DIRECT_URL: "postgres://user@db/postern" });
    expect(line).toContain("DATABASE_DIRECT_URL");
    expect(line).toContain("SQLite");
  });

  test("a bad value stops the start in an instant, however long it is", () => {
    const refuseAll = () => {
      for (const run of [":", "?", ":/", "/", "@", "&", "a", ":1", "://"])
        refusal({ ...SECRET, DATABASE_URL: `x${run.repeat(100_000)}` });
    };
    expect(processorMs(refuseAll)).toBeLessThan(2000);
  });

  test("a password in a URL is not repeated", () => {
    for (const url of [
      "postgres://user:hunter2@127.0.0.1",
      "postgres://user:hunter2@h/a@b",
      "postgres://user:hunter2?/#@h/b",
      "postgres://user:hunter2",
      "postgres://user:hunter2/db",
      "postgres://user:5hunter2/db",
      "postgres:user:hunter2@h/db",
      "postgres://h/db?user=u&password=hunter2",
      "x://a:hunter2@b",
    ]) {
      const line = refusal({ ...SECRET, DATABASE_URL: url });
      expect(line).toContain("DATABASE_URL");
      expect(line).not.toContain("hunter2");
    }
  });
});

describe("a good value is taken", () => {
  test.each([
    [{ LOG_LEVEL: "debug" }, { logLevel: "DEBUG" }],
    [{ LOG_LEVEL: "Warn" }, { logLevel: "WARN" }],
    [{ LOG_FORMAT: "Pretty" }, { logFormat: "pretty" }],
    [{ METRICS_PUBLIC: "TRUE" }, { metricsPublic: true }],
    [{ METRICS_PUBLIC: "False" }, { metricsPublic: false }],
    [{ PORT: "0" }, { port: 0 }],
    [{ PORT: "65535" }, { port: 65535 }],
    [{ PORT: "0080" }, { port: 80 }],
    [{ SHUTDOWN_GRACE_MS: "8000" }, { shutdownGraceMs: 8000 }],
    [{ DATABASE_URL: "sqlite:////data/app.db" }, { databaseUrl: { engine: "sqlite", path: "/data/app.db" } }],
    [
      { DATABASE_URL: "postgres://user@db/postern" },
      { databaseUrl: { engine: "postgres", url: "postgres://user@db/postern" } },
    ],
    [
      { DATABASE_URL: "postgres://user@pooler/postern", DATABASE_DIRECT_URL: "postgres://user@db/postern" },
      {
        databaseUrl: { engine: "postgres", url: "postgres://user@pooler/postern" },
        databaseDirectUrl: { engine: "postgres", url: "postgres://user@db/postern" },
      },
    ],
    [{ HOST: "::1" }, { host: "::1" }],
  ])("%j is taken", (environment, expected) => {
    expect(readSettings(environment as Record<string, string>)).toMatchObject(expected as never);
  });
});

describe("a secret", () => {
  test.each(["WEBHOOK_SECRET", "WEBHOOK_SECRET_PREVIOUS", "API_TOKEN", "API_TOKEN_PREVIOUS"])(
    "a secret that is blank in %s is none",
    (name) => {
      const key = Object.entries(SETTINGS).find(([, row]) => row.name === name)?.[0] as "apiToken";
      for (const blank of ["", " ", "\t", "\n", "\u3000", " \r\n "]) {
        expect(readSettings({ [name]: blank })[key]).toBeUndefined();
        expect(readSettings({ [`${name}_FILE`]: file(blank) })[key]).toBeUndefined();
      }
    },
  );

  test("a secret that is blank never becomes a candidate, and is refused where one is required", () => {
    expect(webhookSecrets(readSettings({ ...SECRET, WEBHOOK_SECRET_PREVIOUS: "  " }))).toEqual(["secret"]);
    expect(webhookSecrets(readSettings({ ...SECRET, WEBHOOK_SECRET_PREVIOUS: "old" }))).toEqual([
      "secret",
      "old",
    ]);
    for (const blank of ["", " ", "\n"])
      expect(refusal({ WEBHOOK_SECRET: blank })).toContain("WEBHOOK_SECRET");
    expect(refusal({ WEBHOOK_SECRET_FILE: file("\n") })).toContain("WEBHOOK_SECRET");
    expect(refusal({ WEBHOOK_SECRET_PREVIOUS: "old" })).toContain("WEBHOOK_SECRET");
  });

  test("a secret keeps its inner and outer white space", () => {
    expect(readSettings({ WEBHOOK_SECRET: " a b " }).webhookSecret).toBe(" a b ");
  });

  test("a secret is never repeated in a refusal", () => {
    const line = refusal({ WEBHOOK_SECRET: "hunter2", WEBHOOK_SECRET_FILE: file("hunter2") });
    expect(line).not.toContain("hunter2");
  });
});

describe("a token for reads", () => {
  test.each(["API_TOKEN", "API_TOKEN_PREVIOUS"])(
    "a token for reads that no header can carry is refused: %s",
    (name) => {
      for (const token of [
        "hunter2 x",
        " hunter2",
        "hunter2\n",
        "hunter2\u0001",
        "hunter2\u007f",
        "hunter2-п",
      ]) {
        for (const environment of [{ [name]: token }, { [`${name}_FILE`]: file(`${token}\n`) }]) {
          const line = refusal({ ...SECRET, ...(environment as Record<string, string>) });
          expect(line).toContain(name);
          expect(line).not.toContain("hunter2");
        }
      }
    },
  );

  test("a token for reads that is taken passes the check of a request that carries it", () => {
    for (const apiToken of ["x", "a.b-c_d~e+f/g==", "!#$%&'*", "é"]) {
      expect(readSettings({ API_TOKEN: apiToken })).toMatchObject({ apiToken });
      const headers = new Headers({ Authorization: `Bearer ${apiToken}` });
      expect(bearerAuth([apiToken])(headers)).toBe(true);
    }
  });
});

describe("X_FILE", () => {
  test("X_FILE gives the value, with one trailing newline cut", () => {
    for (const [content, value] of [
      ["secret", "secret"],
      ["secret\n", "secret"],
      ["secret\r\n", "secret"],
      [" secret ", " secret "],
    ] as const) {
      expect(readSettings({ WEBHOOK_SECRET_FILE: file(content) }).webhookSecret).toBe(value);
    }
  });

  test("X_FILE is refused when two newlines are at the end of a secret, in a file or in the variable", () => {
    for (const end of ["\n\n", "\r\n\r\n", "\r\n\n"]) {
      for (const name of ["WEBHOOK_SECRET", "WEBHOOK_SECRET_PREVIOUS", "API_TOKEN"]) {
        for (const environment of [
          { [name]: `hunter2${end}` },
          { [`${name}_FILE`]: file(`hunter2${end}`) },
        ] as Record<string, string>[]) {
          const line = refusal(environment);
          expect(line).toMatch(/two newlines/);
          expect(line).toContain(name);
          expect(line).not.toContain("hunter2");
        }
      }
    }
  });

  test("X_FILE of a secret that is no UTF-8 is refused", () => {
    expect(refusal({ WEBHOOK_SECRET_FILE: file(Uint8Array.of(0x61, 0xff)) })).toContain("UTF-8");
  });

  test("X_FILE has a limit, and a device or a pipe is refused without being waited for", () => {
    const pipe = join(folder.path, "pipe");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    for (const [path, reason] of [
      [file("x".repeat(64 * 1024 + 1)), "65536 bytes"],
      [pipe, "a pipe"],
      ["/dev/zero", "a device"],
    ] as const) {
      const line = refusal({ WEBHOOK_SECRET_FILE: path });
      expect(line).toContain(path);
      expect(line).toContain(reason);
    }
    expect(readSettings({ WEBHOOK_SECRET_FILE: file("x".repeat(64 * 1024)) }).webhookSecret).toHaveLength(
      64 * 1024,
    );
  });

  test("X_FILE may be a symbolic link to a file, as orchestrators mount secrets", () => {
    const link = join(folder.path, "link");
    symlinkSync(file("secret\n"), link);
    expect(readSettings({ WEBHOOK_SECRET_FILE: link }).webhookSecret).toBe("secret");
  });

  test("X_FILE works for every variable", () => {
    expect(readSettings({ PORT_FILE: file("1234\n"), LOG_LEVEL_FILE: file("warn\n") })).toMatchObject({
      port: 1234,
      logLevel: "WARN",
    });
    expect(refusal({ ...SECRET, PORT_FILE: file("x\n") })).toContain("PORT");
  });

  test("X_FILE together with X is an error that names both", () => {
    for (const { name } of Object.values(SETTINGS)) {
      const line = refusal({ ...SECRET, [name]: "1", [`${name}_FILE`]: file("1") });
      expect(line).toContain(name);
      expect(line).toContain(`${name}_FILE`);
    }
  });

  test("X_FILE beside an empty X counts alone, and an empty one beside X too", () => {
    expect(readSettings({ WEBHOOK_SECRET: "", WEBHOOK_SECRET_FILE: file("secret") }).webhookSecret).toBe(
      "secret",
    );
    expect(readSettings({ WEBHOOK_SECRET: "secret", WEBHOOK_SECRET_FILE: "" }).webhookSecret).toBe("secret");
  });

  test("X_FILE that can't be read, or is a folder, is refused in one line", () => {
    for (const path of [join(folder.path, "missing"), folder.path]) {
      const line = refusal({ WEBHOOK_SECRET_FILE: path });
      expect(line).toContain("WEBHOOK_SECRET_FILE");
      expect(line).toContain(path);
    }
    const secret = file("secret");
    chmodSync(secret, 0);
    if (process.getuid?.() !== 0) expect(refusal({ WEBHOOK_SECRET_FILE: secret })).toContain(secret);
  });
});

test("every variable has a name of its own, a default that it takes, and words for the table", () => {
  const rows = Object.values(SETTINGS);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  for (const row of rows) {
    expect(row.name).toMatch(/^[A-Z][A-Z_]*[A-Z]$/);
    expect(row.doc).toEndWith(".");
    expect(row.takes).not.toBe("");
    if (row.default !== undefined) expect(row.parse(row.default)).toBeDefined();
  }
});
