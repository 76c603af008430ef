/**
 * What Linux knows of this process's descriptors and TCP connections, and Bun doesn't say: how many
 * there may be, and on which connection nothing has moved for how long. It reads, and shuts
 * connections down; it never closes a descriptor that isn't its own.
 */
import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";
import { canonicalAddress } from "./ip-address.ts";

/** `/usr/include/linux/tcp.h`, the same on every processor; its fields never move. */
const SOL_TCP = 6;
const TCP_INFO = 11;
const TCP_ESTABLISHED = 1;
const LAST_DATA_SENT_AT = 44;
const LAST_DATA_RECEIVED_AT = 52;
const BYTES_ACKED_AT = 120;
const BYTES_RECEIVED_AT = 128;
const TCP_INFO_BYTES = 136;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCKET_ADDRESS_BYTES = 128;
const IPV4_AT = 4;
const IPV6_AT = 8;
const SHUT_RDWR = 2;

export interface Connection {
  readonly fd: number;
  /** The other end, as `peerName` writes it. */
  readonly peer: string;
  /** Since bytes last went either way, or since it was made. */
  readonly silentMs: number;
  readonly receivedBytes: number;
  /** Of what was sent, so much has reached the other end's system. */
  readonly ackedBytes: number;
  /** Something came that no answer followed: a request that is under way, or a part of one. */
  readonly asking: boolean;
}

export interface Sockets {
  /**
   * The connections that came in at one of these ports, of the descriptors below one. Needs no free
   * descriptor.
   */
  readonly connectionsTo: (ports: readonly number[], belowFd: number) => readonly Connection[];
  /** Ends a connection as if its client had: whoever owns it notices and closes it. */
  readonly shutDown: (connection: Connection) => void;
}

/** One name for the other end of a connection, however its address is written. */
export function peerName(address: string, port: number): string {
  return `${canonicalAddress(address) ?? address} ${port}`;
}

/**
 * The limit of descriptors (RLIMIT_NOFILE) as it is now; undefined where the system doesn't say.
 */
export function openFilesMax(): number | undefined {
  try {
    const limit = /^Max open files +([0-9]+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/** How many descriptors are open now; 0 where the system doesn't say. */
export function countOpenFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** Undefined where it isn't Linux, or has another C library. */
export function openSockets(): Sockets | undefined {
  try {
    return socketsOf(libc());
  } catch {
    return undefined;
  }
}

const libc = () =>
  dlopen("libc.so.6", {
    getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    shutdown: { args: ["i32", "i32"], returns: "i32" },
  }).symbols;

function socketsOf({ getpeername, getsockname, getsockopt, shutdown }: ReturnType<typeof libc>): Sockets {
  const address = new DataView(new ArrayBuffer(SOCKET_ADDRESS_BYTES));
  const ipv4 = new Uint8Array(address.buffer, IPV4_AT, 4);
  const info = new DataView(new ArrayBuffer(TCP_INFO_BYTES));
  const length = new Uint32Array(1);

  /** Writes one of a socket's two addresses; undefined where it has none. */
  function familyOf(name: typeof getsockname, fd: number): number | undefined {
    length[0] = SOCKET_ADDRESS_BYTES;
    return name(fd, ptr(address), ptr(length)) === 0 ? address.getUint16(0, true) : undefined;
  }

  function portOf(fd: number): number | undefined {
    const family = familyOf(getsockname, fd);
    return family === AF_INET || family === AF_INET6 ? address.getUint16(2) : undefined;
  }

  function peerOf(fd: number): string {
    const family = familyOf(getpeername, fd);
    if (family === AF_INET) return peerName(ipv4.join("."), address.getUint16(2));
    const groups = Array.from({ length: 8 }, (_, index) =>
      address.getUint16(IPV6_AT + 2 * index).toString(16),
    );
    return family === AF_INET6 ? peerName(groups.join(":"), address.getUint16(2)) : "";
  }

  function connection(fd: number): Connection | undefined {
    length[0] = TCP_INFO_BYTES;
    if (getsockopt(fd, SOL_TCP, TCP_INFO, ptr(info), ptr(length)) !== 0) return undefined;
    if (info.getUint8(0) !== TCP_ESTABLISHED) return undefined;
    const sentMs = info.getUint32(LAST_DATA_SENT_AT, true);
    const receivedMs = info.getUint32(LAST_DATA_RECEIVED_AT, true);
    const receivedBytes = Number(info.getBigUint64(BYTES_RECEIVED_AT, true));
    const ackedBytes = Number(info.getBigUint64(BYTES_ACKED_AT, true));
    return {
      fd,
      peer: peerOf(fd),
      silentMs: Math.min(sentMs, receivedMs),
      receivedBytes,
      ackedBytes,
      asking: receivedBytes > 0 && (ackedBytes === 0 || receivedMs < sentMs),
    };
  }

  return {
    connectionsTo: (ports, belowFd) => {
      const found: Connection[] = [];
      for (let fd = 0; fd < belowFd; fd++) {
        const made = ports.includes(portOf(fd) ?? -1) ? connection(fd) : undefined;
        if (made !== undefined) found.push(made);
      }
      return found;
    },
    shutDown: ({ fd }) => void shutdown(fd, SHUT_RDWR),
  };
}
