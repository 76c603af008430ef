/** Positions that the service keeps, each in a row under its holder's name. */
import {
  CONSUMERS_MAX,
  type Consumer,
  type ConsumerFilter,
  type ConsumerStore,
  type NewConsumer,
} from "../../../core/consumers.ts";
import { parsePosition } from "../../../core/position.ts";
import { placeholders, type Session, type Value } from "../connection/connection.ts";

interface Row {
  readonly name: string;
  readonly filter: string;
  readonly position: string;
  readonly acknowledged_at: string | null;
}

const COLUMNS = "name, filter, position, acknowledged_at";
const ONE = `select ${COLUMNS} from consumers where name = $1`;

type Ask = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

export class PostgresConsumers implements ConsumerStore {
  readonly #read: Ask;
  readonly #change: Ask;

  /** A change may be done twice, where the answer to the first one was lost. */
  constructor({ read, change }: { readonly read: Ask; readonly change: Ask }) {
    this.#read = read;
    this.#change = change;
  }

  async list(): Promise<readonly Consumer[]> {
    const rows = await this.#read((session) =>
      session.run<Row>(`select ${COLUMNS} from consumers order by name`),
    );
    return rows.map(consumerOf);
  }

  find(name: string): Promise<Consumer | undefined> {
    return this.#read((session) => one(session, ONE, [name]));
  }

  create({
    name,
    filter,
    position,
  }: NewConsumer): Promise<{ readonly created: boolean; readonly consumer: Consumer } | undefined> {
    return this.#change(async (session) => {
      // Who counts them at the same moment would make one too many.
      await session.run("lock table consumers in share row exclusive mode");
      const there = await one(session, ONE, [name]);
      if (there !== undefined) return { created: false, consumer: there };
      const consumer = await one(
        session,
        `insert into consumers (name, filter, position, seq)
         select $1, $2, $3, $4::text::bigint where (select count(*) from consumers) < ${CONSUMERS_MAX}
         returning ${COLUMNS}`,
        [name, JSON.stringify(filter), position, seqOf(position)],
      );
      return consumer && { created: true, consumer };
    });
  }

  acknowledge(name: string, position: string, at: string): Promise<Consumer | undefined> {
    return this.#change(async (session) => {
      const moved = await one(
        session,
        `update consumers set position = $2, seq = $3::text::bigint, acknowledged_at = $4
         where name = $1 and seq < $3::text::bigint returning ${COLUMNS}`,
        [name, position, seqOf(position), at],
      );
      return moved ?? (await one(session, ONE, [name]));
    });
  }

  seek(name: string, position: string): Promise<Consumer | undefined> {
    return this.#change((session) =>
      one(
        session,
        `update consumers set position = $2, seq = $3::text::bigint where name = $1 returning ${COLUMNS}`,
        [name, position, seqOf(position)],
      ),
    );
  }

  delete(name: string): Promise<boolean> {
    return this.#change(async (session) => {
      const gone = await session.run("delete from consumers where name = $1 returning name", [name]);
      return gone.length > 0;
    });
  }
}

/** From now on there are these and no others. */
export async function replaceConsumers(session: Session, consumers: readonly Consumer[]): Promise<void> {
  await session.run("delete from consumers");
  if (consumers.length === 0) return;
  const values = consumers.flatMap(({ name, filter, position, acknowledgedAt }) => [
    ...[name, JSON.stringify(filter), position, seqOf(position), acknowledgedAt],
  ]);
  await session.run(
    `insert into consumers (name, filter, position, seq, acknowledged_at)
     select name, filter, position, seq::bigint, acknowledged_at
     from (values ${placeholders(consumers.length, 5)}) given (name, filter, position, seq, acknowledged_at)`,
    values,
  );
}

async function one(
  session: Session,
  statement: string,
  values: readonly Value[],
): Promise<Consumer | undefined> {
  const [row] = await session.run<Row>(statement, values);
  return row && consumerOf(row);
}

function consumerOf({ name, filter, position, acknowledged_at }: Row): Consumer {
  return { name, filter: JSON.parse(filter) as ConsumerFilter, position, acknowledgedAt: acknowledged_at };
}

/** As text: a number of 64 bits. */
function seqOf(position: string): string {
  return String(parsePosition(position)?.seq ?? 0);
}
