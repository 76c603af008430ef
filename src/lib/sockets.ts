/**
 * What Linux knows of this process's descriptors and TCP connections, and Bun doesn't say: how many
 * there may be, and on which connection nothing has moved for how long. It reads, and shuts
 * connections down; it never closes a descriptor that isn't its own.
 */
import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

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
const SHUT_RDWR = 2;

export interface Connection {
  readonly fd: number;
  /** Since bytes last went either way, or since it was made. */
  readonly silentMs: number;
  readonly receivedBytes: number;
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
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    shutdown: { args: ["i32", "i32"], returns: "i32" },
  }).symbols;

function socketsOf({ getsockname, getsockopt, shutdown }: ReturnType<typeof libc>): Sockets {
  const address = new DataView(new ArrayBuffer(SOCKET_ADDRESS_BYTES));
  const info = new DataView(new ArrayBuffer(TCP_INFO_BYTES));
  const length = new Uint32Array(1);

  function portOf(fd: number): number | undefined {
    length[0] = SOCKET_ADDRESS_BYTES;
    if (getsockname(fd, ptr(address), ptr(length)) !== 0) return undefined;
    const family = address.getUint16(0, true);
    return family === AF_INET || family === AF_INET6 ? address.getUint16(2) : undefined;
  }

  function connection(fd: number): Connection | undefined {
    length[0] = TCP_INFO_BYTES;
    if (getsockopt(fd, SOL_TCP, TCP_INFO, ptr(info), ptr(length)) !== 0) return undefined;
    if (info.getUint8(0) !== TCP_ESTABLISHED) return undefined;
    const sentMs = info.getUint32(LAST_DATA_SENT_AT, true);
    const receivedMs = info.getUint32(LAST_DATA_RECEIVED_AT, true);
    const receivedBytes = Number(info.getBigUint64(BYTES_RECEIVED_AT, true));
    const answered = info.getBigUint64(BYTES_ACKED_AT, true) > 0n;
    return {
      fd,
      silentMs: Math.min(sentMs, receivedMs),
      receivedBytes,
      asking: receivedBytes > 0 && (!answered || receivedMs < sentMs),
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
