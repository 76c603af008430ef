import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { mailDate } from "./mail-date.ts";

const read = (text: string) => {
  const ms = mailDate(text);
  return ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 19);
};

test.each([
  ["Wed, 26 Nov 2025 23:33:20 +0000", "2025-11-26T23:33:20"],
  ["26 Nov 2025 23:33 -0130", "2025-11-27T01:03:00"],
  ["Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T15:55:06"],
  [
    "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
    "1969-02-14T03:02:00",
  ],
  ["21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06"],
  ["1 Jan 49 00:00:00 EST", "2049-01-01T05:00:00"],
  ["1 Jan 126 00:00:00 pdt", "2026-01-01T07:00:00"],
  ["1 jan 2026 00:00:00 Z", "2026-01-01T00:00:00"],
  ["1 Jan 2026 00:00:00 XYZ", "2026-01-01T00:00:00"],
  ["31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00"],
  ["(a (b\\)c) d) 1 Jan 2026 00:00:00 UT (e)", "2026-01-01T00:00:00"],
])("the date %j is %s", (text, instant) => {
  expect(read(text)).toBe(instant);
});

test.each([
  "",
  "Wed, 26 Nov 2025",
  "Wed 26 Nov 2025 23:33:20 +0000",
  "26 Nov 2025 23:33:20",
  "30 Feb 2025 23:33:20 +0000",
  "26 Nev 2025 23:33:20 +0000",
  "26 ovd 2025 23:33:20 +0000",
  "26 Nov 2025 24:33:20 +0000",
  "26 Nov 2025 23:33:61 +0000",
  "26 Nov 2025 23:33:20 +0060",
  "26 Nov 2025 23:33:20 +000",
  "26 Nov 2025 (23:33:20 +0000",
  "2025-11-26T23:33:20Z",
])("%j is no date", (text) => {
  expect(read(text)).toBeUndefined();
});

test("every date that the platform writes in this form is read", () => {
  const date = fc.date({ min: new Date("1000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(date, (moment) => {
      expect(read(moment.toUTCString())).toBe(moment.toISOString().slice(0, 19));
    }),
  );
});
