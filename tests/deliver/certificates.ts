/**
 * Certificates for servers of tests, made as they are needed: X.509 (RFC 5280) in DER, signed with
 * ECDSA on P-256.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Certificate {
  /** PEM, both. */
  readonly cert: string;
  readonly key: string;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Authority {
  /** PEM: what a client has to trust. */
  readonly cert: string;
  /** For a name of DNS; `expired` for one that held until yesterday. Its key is EC unless given. */
  readonly issue: (name: string, state?: "valid" | "expired", keys?: KeyPair) => Certificate;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const [SEQUENCE, SET, INTEGER, OID, UTF8, UTC_TIME, BITS, OCTETS, BOOLEAN] = [
  ...[0x30, 0x31, 0x02, 0x06, 0x0c, 0x17, 0x03, 0x04, 0x01],
] as const;
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const COMMON_NAME = oid(0x55, 0x04, 0x03);
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
const SUBJECT_ALT_NAME = oid(0x55, 0x1d, 0x11);
let serial = 0;

export function newAuthority(): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const constraints = der(SEQUENCE, BASIC_CONSTRAINTS, der(BOOLEAN, Buffer.of(0xff)), isAuthority());
  const common = { issuer: "Postern's tests", signer: keys.privateKey };
  const own = { ...common, subject: common.issuer, key: keys.publicKey, extension: constraints };
  return {
    cert: pem("CERTIFICATE", certificate({ ...own, from: -DAY_MS, to: DAY_MS })),
    issue: (name, state = "valid", keys = generateKeyPairSync("ec", { namedCurve: "P-256" })) => {
      const { privateKey, publicKey } = keys;
      const [from, to] = state === "valid" ? [-DAY_MS, DAY_MS] : [-2 * DAY_MS, -DAY_MS];
      const its = { ...common, subject: name, key: publicKey, extension: names(name), from, to };
      return certified(its, privateKey);
    },
  };
}

/** One that nobody but its own server has signed. */
export function selfSigned(name: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const its = { subject: name, issuer: name, key: publicKey, signer: privateKey, extension: names(name) };
  return certified({ ...its, from: -DAY_MS, to: DAY_MS }, privateKey);
}

interface Contents {
  readonly subject: string;
  readonly issuer: string;
  readonly key: KeyObject;
  readonly signer: KeyObject;
  readonly extension: Buffer;
  /** Milliseconds from now. */
  readonly from: number;
  readonly to: number;
}

function certified(contents: Contents, privateKey: KeyObject): Certificate {
  return {
    cert: pem("CERTIFICATE", certificate(contents)),
    key: privateKey.export({ format: "pem", type: "pkcs8" }) as string,
  };
}

function certificate({ subject, issuer, key, signer, extension, from, to }: Contents): Buffer {
  const signed = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.of(2))),
    der(INTEGER, Buffer.of(++serial)),
    ECDSA_WITH_SHA256,
    named(issuer),
    der(SEQUENCE, time(from), time(to)),
    named(subject),
    key.export({ format: "der", type: "spki" }),
    der(0xa3, der(SEQUENCE, extension)),
  );
  return der(SEQUENCE, signed, ECDSA_WITH_SHA256, der(BITS, Buffer.of(0), sign("sha256", signed, signer)));
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const length = content.length;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

function oid(...bytes: readonly number[]): Buffer {
  return der(OID, Buffer.from(bytes));
}

function named(name: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from(name)))));
}

function time(fromNowMs: number): Buffer {
  const digits = new Date(Date.now() + fromNowMs).toISOString().replace(/\D/g, "").slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function isAuthority(): Buffer {
  return der(OCTETS, der(SEQUENCE, der(BOOLEAN, Buffer.of(0xff))));
}

function names(name: string): Buffer {
  return der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTETS, der(SEQUENCE, der(0x82, Buffer.from(name)))));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
