/**
 * What pages call and a test can't have: a copy of the repository by `git clone`, `postern` from
 * the npm package, and the real data set from its address. As texts of executables.
 */
import { join, resolve } from "node:path";
import { PROGRAM } from "../program.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DATA_SET = "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip";
const ROWS = 5574;
/** The README shows it, and searches for a word that no other one has. */
const FIRST_TEXT =
  "Go until jurong point, crazy.. Available only in bugis n great world la e buffet... Cine there got amore wat...";
const LAST_TEXT = "Rofl. Its true to its name";

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A copy has none of what the repository's folder may hold beside: data, a configuration. */
const GIT = `#!/bin/sh
[ "$1" = clone ] || exit 1
mkdir -p "$3" && cd "$3" || exit 1
for name in Makefile bin node_modules package-lock.json package.json postern.example.yaml scripts src; do
  ln -s ${quoted(ROOT)}/"$name" .
done
`;

/** What is installed stays as it is. */
const MAKE = `#!/bin/sh
exec ${quoted(Bun.which("make") ?? "make")} -s -o node_modules/.installed "$@"
`;

/**
 * Of the data set nothing is kept here. Without `POSTERN_SMS_TSV` there are as many rows, and the
 * first and the last one are those that pages quote, so figures come out either way.
 */
const CURL = `#!/bin/sh
case "$*" in
*${DATA_SET}*)
  if [ -n "$POSTERN_SMS_TSV" ]; then tail -n +2 "$POSTERN_SMS_TSV" > SMSSpamCollection
  else
    printf 'ham\\t%s\\n' ${quoted(FIRST_TEXT)} > SMSSpamCollection
    seq 2 ${ROWS - 1} | sed 's/^/ham\\tA message of the stand-in, /' >> SMSSpamCollection
    printf 'ham\\t%s\\n' ${quoted(LAST_TEXT)} >> SMSSpamCollection
  fi
  zip -q -m ${quoted(DATA_SET.split("/").at(-1) ?? "")} SMSSpamCollection ;;
*)
  for each; do case "$each" in
    http://localhost[:/]*|http://127.0.0.1[:/]*) ;;
    http://*|https://*) echo "a test asks nobody else: $each" >&2; exit 1 ;;
  esac; done
  exec ${quoted(Bun.which("curl") ?? "curl")} "$@" ;;
esac
`;

const POSTERN = `#!/bin/sh
exec ${PROGRAM.map(quoted).join(" ")} "$@"
`;

/** The request that `postern send ARGS` would make, as a tunnel shows it: `captured ARGS`. */
const CAPTURED = `#!/bin/sh
curl() {
  path=/\${2#*//*/}; printf 'POST %s HTTP/1.1\\r\\nHost: hooks.example.com\\r\\n' "$path"; shift 2
  while [ "$1" = -H ]; do printf '%s\\r\\n' "$2"; shift 2; done
  printf 'Content-Length: %s\\r\\n\\r\\n%s' "$(printf %s "$2" | wc -c)" "$2"
}
eval "$(postern send "$@" --dry-run)"
`;

const RECEIVER = `#!/bin/sh
exec ${quoted(process.execPath)} ${quoted(join(import.meta.dir, "prepared/receiver.ts"))} "$@"
`;

export const STAND_INS = {
  captured: CAPTURED,
  curl: CURL,
  git: GIT,
  make: MAKE,
  postern: POSTERN,
  receiver: RECEIVER,
};
export const NEEDED = ["bash", "curl", "jq", "make", "node", "openssl", "sqlite3", "unzip", "zip"];
/** All else that a page finds, so that none can install, stop or change anything of the machine. */
export const PROGRAMS = [
  ...NEEDED.filter((name) => !(name in STAND_INS)),
  ...["cat", "cp", "cut", "dd", "env", "find", "grep", "head", "ln", "ls", "mkdir", "mv", "rm", "sed", "seq"],
  ...["sh", "sleep", "sort", "tail", "tee", "touch", "tr", "truncate", "wc"],
];
