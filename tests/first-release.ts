/**
 * What Postern 0.1 left behind: a SQLite file with its tables word for word (schema version 3), and
 * the export of it.
 */
import type { Database } from "bun:sqlite";

const TABLES = `
  create table messages (
    message_id  text primary key,
    from_msisdn text not null,
    to_msisdn   text not null,
    ts          text not null,
    text        text,
    created_at  text not null,
    seq         integer not null,
    ts_key      text not null
  );
  create table meta (key text primary key, value text not null) without rowid;
  insert into meta values ('probe', '0'), ('log_id', '74ff6fc28c850a75a8ee21e888862826');
  create table deliveries (delivery integer primary key, body blob not null);
  create table details (
    seq      integer primary key,
    source   text not null,
    type     text not null,
    delivery integer not null,
    start    integer not null,
    stop     integer not null
  );
  create table events (
    event      integer primary key,
    seq        integer not null,
    source     text not null,
    kind       text not null,
    event_key  text not null,
    message_id text,
    ts         text not null,
    ts_key     text not null,
    created_at text not null,
    delivery   integer not null,
    start      integer not null,
    stop       integer not null,
    unique (source, event_key)
  );
  create table sources (name text primary key) without rowid;
`;

const ROWS = `
  insert into messages values
    ('m1', '+919876543210', '+14155550100', '2025-01-15T10:00:00Z', 'Grüße 😀', '2025-01-15T10:00:00.120Z', 3,
      '2025-01-15T10:00:00'),
    ('wa:A', '+15550001', '+14155550100', '2025-01-15T11:00:00.5Z', 'Hi', '2025-01-15T11:00:01.000Z', 4,
      '2025-01-15T11:00:00.5'),
    ('m2', '+919876543210', '+14155550100', '2025-01-15T10:00:00.50Z', null, '2025-01-15T12:00:00.000Z', 9,
      '2025-01-15T10:00:00.5');
  insert into deliveries values (4, cast('{"id":"A","text":"Hi"}{"id":"A","status":"read"}' as blob));
  insert into details values (4, 'wa', 'text', 4, 0, 22);
  insert into events values
    (1, 5, 'wa', 'status', 'A read', 'wa:A', '2025-01-15T11:00:02Z', '2025-01-15T11:00:02', '2025-01-15T11:00:01.000Z',
      4, 22, 48);
  insert into sources values ('wa');
`;

export function writeFirstRelease(db: Database): void {
  db.run(TABLES);
  db.run(ROWS);
  db.run("pragma user_version = 3");
  db.run("pragma application_id = 0x506f7374");
}

export const FIRST_EXPORT = `\
{"seq":3,"message_id":"m1","from":"+919876543210","to":"+14155550100","ts":"2025-01-15T10:00:00Z","text":"Grüße 😀","created_at":"2025-01-15T10:00:00.120Z"}
{"delivery":4,"body_base64":"eyJpZCI6IkEiLCJ0ZXh0IjoiSGkifXsiaWQiOiJBIiwic3RhdHVzIjoicmVhZCJ9"}
{"seq":4,"message_id":"wa:A","from":"+15550001","to":"+14155550100","ts":"2025-01-15T11:00:00.5Z","text":"Hi","created_at":"2025-01-15T11:00:01.000Z","source":"wa","type":"text","delivery":4,"start":0,"stop":22}
{"seq":5,"source":"wa","kind":"status","event_key":"A read","message_id":"wa:A","ts":"2025-01-15T11:00:02Z","created_at":"2025-01-15T11:00:01.000Z","delivery":4,"start":22,"stop":48}
{"seq":9,"message_id":"m2","from":"+919876543210","to":"+14155550100","ts":"2025-01-15T10:00:00.50Z","text":null,"created_at":"2025-01-15T12:00:00.000Z"}
`;
