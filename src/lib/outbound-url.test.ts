import { describe, expect, test } from "bun:test";
import { outboundHost, outboundUrlMistake } from "./outbound-url.ts";

describe("an URL of a private address", () => {
  test.each([
    ...["http://127.0.0.1/", "http://127.0.0.1:8080/", "http://user@127.0.0.1/", "http://127.0.0.1./"],
    ...["http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://0x7f.0.0.1/"],
    ...["http://0177.0.0.1/", "http://0x7f.1/", "http://127.1/", "http://127.0.1/", "http://0/", "http://0."],
    ...["http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0｡0｡1/", "http://１２７.0.0.1/"],
    ...["http://①②⑦.0.0.1/", "http://%31%32%37.0.0.1/", "http:127.0.0.1", "http:\\\\127.0.0.1\\"],
    ...[
      "http://[::1]/",
      "http://[0:0:0:0:0:0:0:1]/",
      "http://[::ffff:127.0.0.1]/",
      "http://[::ffff:7f00:1]/",
    ],
    ...["http://[0000::ffff:7f00:0001]/", "http://[::127.0.0.1]/", "http://[64:ff9b::127.0.0.1]/"],
    ...["http://[fd00:ec2::254]/", "http://[FE80::1]/", "http://169.254.169.254/latest/meta-data/"],
    ...["http://2852039166/", "http://0xa9.0xfe.0xa9.0xfe/", "https://100.100.100.200/", "http://192.168.1/"],
  ])("is known as one however it is spelled: %s", (text) => {
    const url = new URL(text);
    expect(outboundUrlMistake(url, false)).toContain("not on the public internet");
    expect(outboundUrlMistake(url, true)).toBeUndefined();
  });

  test.each([
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://127.0.0.1%00/",
    "http://256.1.1.1/",
  ])("is no URL at all with a zone or what no address has: %s", (text) =>
    expect(URL.canParse(text)).toBe(false),
  );
});

test.each(["ftp://example.com/", "file:///etc/passwd", "ws://example.com/", "data:,x", "s3://bucket/x"])(
  "%s is neither http nor https",
  (text) => {
    expect(outboundUrlMistake(new URL(text), true)).toContain("http and https only");
  },
);

test.each([
  "https://example.com/",
  "http://8.8.8.8/",
  "http://[2606:4700::1111]:8080/x",
  "http://localhost/",
])("%s may be asked, as far as it is known without a look-up", (text) =>
  expect(outboundUrlMistake(new URL(text), false)).toBeUndefined(),
);

test("a host is without brackets and without the root's dot", () => {
  expect(outboundHost(new URL("http://[2606:4700::1111]:80/"))).toBe("2606:4700::1111");
  expect(outboundHost(new URL("http://App.Example.com.:80/"))).toBe("app.example.com");
});
