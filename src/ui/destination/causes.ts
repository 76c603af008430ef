/** Why a record wasn't handed on, in words for whoever looks after the destination. */

interface Cause {
  readonly title: string;
  /** What can be done about it. */
  readonly advice: string;
}

const CAUSES: Readonly<Record<string, Cause>> = {
  status: {
    title: "Refused by the receiver",
    advice: "What it answered stands with each failure; its own log says more.",
  },
  redirect: {
    title: "Answered with a redirect",
    advice: "Redirects are never followed: enter in the configuration file where it leads.",
  },
  refused: {
    title: "Nobody listens there",
    advice: "No connection was made. See whether the receiver runs, and its port and firewall.",
  },
  reset: {
    title: "Closed before it answered",
    advice: "The connection ended early: the receiver, or a proxy before it, stopped or crashed.",
  },
  timeout: {
    title: "No answer in time",
    advice:
      "An application should answer as soon as a record is stored, and work on it afterwards, or get a longer timeout. A broker may be short of memory or disk.",
  },
  dns: {
    title: "Its name isn't found",
    advice: "The name has no address, or the name server doesn't answer. See how the name is written.",
  },
  tls: {
    title: "Its certificate isn't accepted",
    advice: "It is expired, another name's, or signed by an authority that this machine doesn't know.",
  },
  address: {
    title: "Its address is refused",
    advice: "It isn't on the public internet. For a receiver of your own set allow_private: true.",
  },
  answer: {
    title: "Something else answers there",
    advice: "It doesn't speak as the URL begins. See whether the port is right, and whether it wants TLS.",
  },
  login: {
    title: "It doesn't let Postern in",
    advice: "The user, the password or the right to write there was refused.",
  },
  rejected: {
    title: "The record was refused",
    advice: "The destination works, and doesn't take this record. What it said stands here.",
  },
  unroutable: {
    title: "Nothing there takes it",
    advice: "There is no queue or stream for records of this kind: create one, or change where they go.",
  },
  disk: {
    title: "The file can't be written",
    advice: "See whether the disk is full, and who may write in its folder.",
  },
  stopped: {
    title: "Ended from this side",
    advice: "Postern stopped, or was told to. It is tried again by itself.",
  },
  sender_backlog: {
    title: "Too much waits behind it",
    advice: "A thousand records of its sender waited for this one: it was given up, so that they go on.",
  },
  failed: { title: "Something else", advice: "What is known of it stands here." },
};

/** A cause that this page doesn't know is its own title. */
export function causeInWords(cause: string): Cause {
  return known(cause) ?? { title: cause, advice: "" };
}

export const CAUSE_NAMES: readonly string[] = Object.keys(CAUSES);

/** A destination's reason, which is a cause or words already, in whole sentences. */
export function reasonInWords(reason: string): string {
  const status = /^status (\d{3})$/.exec(reason)?.[1];
  if (status !== undefined) return `It answers with ${status}. ${CAUSES["status"]?.advice}`;
  const cause = known(reason);
  if (cause !== undefined) return `${cause.title}. ${cause.advice}`;
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.$/, "")}.`;
}

function known(cause: string): Cause | undefined {
  return Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : undefined;
}
