import { describe, expect, test } from "vitest";
import { type ConfigProblem, checkConfig, readConfig } from "../../src/config/index.ts";
import { SortgateError } from "../../src/model/error.ts";
import { contractExample, smallest } from "./sound.ts";

async function problemsOf(text: string): Promise<readonly ConfigProblem[]> {
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text, env: {} });
  if (checked.ok) throw new Error("the configuration was accepted");
  return checked.problems;
}

/** The smallest sound configuration with one line replaced. */
function withLine(line: number, ...texts: string[]): string {
  return smallest
    .split("\n")
    .toSpliced(line - 1, 1, ...texts)
    .join("\n");
}

const tcp = (name: string, more: string): string =>
  `[[device]]\nname = "${name}"\nread_point = "tunnel-1"\ndriver = "tcp"\nprofile = "line-barcode"\n${more}\n`;
const opcua = (more: string): string =>
  `[[device]]\nname = "rfid-1"\nread_point = "tunnel-1"\ndriver = "opcua"\nendpoint = "opc.tcp://10.0.0.8:4840"\n${more}\n`;
const secondScanner = smallest.slice(smallest.indexOf("[[device]]"));

const variable = (name: string): string => `\${${name}}`;
const credentials = variable("CREDENTIALS_DIRECTORY");

/** Fact, text, line, key, a part of the sentence, a part of the hint. */
const table: [string, string, number, string, string, string][] = [
  [
    "a mistyped key",
    withLine(2, 'site = "HZ01"', "data_dirr = 1"),
    3,
    "gateway > data_dirr",
    "unknown key",
    "data_dir",
  ],
  ["a mistyped section", `${smallest}[contrl]\n`, 15, "contrl", "unknown key", "write [control]"],
  ["a section in the plural", withLine(9, "[[devices]]"), 9, "devices", "unknown key", "write [[device]]"],
  [
    "another spelling of a key",
    withLine(13, 'path = "/dev/x"', "baudRate = 9600"),
    14,
    'device "scanner-1" > baudRate',
    "unknown key",
    "baud_rate",
  ],
  [
    "a key of another section",
    withLine(5, 'name = "central"', "depart_ms = 5"),
    6,
    'broker "central" > depart_ms',
    "unknown key",
    "[[read_point]]",
  ],
  [
    "a key like nothing known",
    `${smallest}xyzzy = 1\n`,
    15,
    'device "scanner-1" > xyzzy',
    "unknown key",
    "known here are",
  ],
  [
    "a key named __proto__",
    withLine(3, 'id = "line-3"', "__proto__ = 1"),
    4,
    "gateway > __proto__",
    "unknown key",
    "remove it",
  ],
  [
    "a key named constructor",
    withLine(3, 'id = "line-3"', "constructor = 1"),
    4,
    "gateway > constructor",
    "unknown key",
    "remove it",
  ],
  ["a number for a text", withLine(2, "site = 5"), 2, "gateway > site", "found 5; allowed: a text", 'site = "5"'],
  [
    "a text for a number",
    withLine(8, 'name = "tunnel-1"', 'depart_ms = "500"'),
    9,
    'read_point "tunnel-1" > depart_ms',
    "a whole number from 10 to 600000",
    "depart_ms = 500, without quotes",
  ],
  [
    "a fraction for a whole number",
    withLine(8, 'name = "tunnel-1"', "reads_min = 1.5"),
    9,
    'read_point "tunnel-1" > reads_min',
    "found 1.5; allowed: a whole number",
    "default, 1",
  ],
  [
    "a number out of range",
    `${smallest}baud_rate = 9\n`,
    15,
    'device "scanner-1" > baud_rate',
    "found 9; allowed: a whole number from 50 to 4000000",
    "9600",
  ],
  [
    "a host with the port behind it",
    `${smallest}${tcp("a", 'host = "a:1"\nport = 1')}`,
    20,
    'device "a" > host',
    'found "a:1"; allowed: a host name or an address alone; the port has a key of its own',
    "correct host",
  ],
  [
    "an address that is none",
    `${smallest}${tcp("a", 'host = "10.1.4.300"\nport = 1')}`,
    20,
    'device "a" > host',
    'found "10.1.4.300"; allowed: an IPv4 address has four numbers from 0 to 255',
    "correct host",
  ],
  [
    "an address with a number too few",
    `${smallest}${tcp("a", 'host = "10.1.4"\nport = 1')}`,
    20,
    'device "a" > host',
    "four numbers",
    "correct host",
  ],
  [
    "an OPC UA server at an address that is none",
    `${smallest}${opcua("").replace("10.0.0.8", "10.1.4.300")}`,
    19,
    'device "rfid-1" > endpoint',
    "four numbers",
    "correct endpoint",
  ],
  [
    "a broker at an address that is none",
    withLine(6, 'url = "mqtts://10.1.4.300:8883"'),
    6,
    'broker "central" > url',
    'found the host "10.1.4.300"',
    "correct url",
  ],
  [
    "an http address that is none",
    `${smallest}[control]\nhttp = "127.0.0.300:9477"\n`,
    16,
    "control > http",
    "an address of this machine",
    "correct http",
  ],
  [
    "infinity",
    `${smallest}[queue]\nretain_days = inf\n`,
    16,
    "queue > retain_days",
    "found inf; allowed: a number from 0 to 3650",
    "30",
  ],
  [
    "R19 core data that would stay longer than all others",
    `${smallest}[queue]\nretain_days = 7\nretain_core_days = 8\n`,
    17,
    "queue > retain_core_days",
    "found 8; allowed: no more than retain_days",
    "correct retain_core_days",
  ],
  ["a date", withLine(3, "id = 2026-11-23"), 3, "gateway > id", "found 2026-11-23; allowed: a text", '"2026-11-23"'],
  [
    "a text for true or false",
    `${smallest}[control]\nhttp_allow_remote = "true"\n`,
    16,
    "control > http_allow_remote",
    "true or false",
    "without quotes",
  ],
  [
    "a text for a choice of numbers",
    withLine(6, 'url = "mqtt://127.0.0.1:1883"', 'protocol = "5"'),
    7,
    'broker "central" > protocol',
    "allowed: one of 5, 4",
    "protocol = 5, without quotes",
  ],
  [
    "a mistyped word",
    `${smallest}[log]\nlevel = "wanr"\n`,
    16,
    "log > level",
    'found "wanr"; allowed: one of "error"',
    'level = "warn"',
  ],
  [
    "a text for a list",
    `${smallest}[guard]\ncarriers = "sf"\n`,
    16,
    "guard > carriers",
    "a list in brackets",
    "carriers",
  ],
  [
    "an unknown carrier",
    `${smallest}[guard]\ncarriers = ["sf", "ytoo"]\n`,
    16,
    "guard > carriers 2",
    'found "ytoo"',
    '"yto"',
  ],
  [
    "a table for a value",
    withLine(2, "site = { a = 1 }"),
    2,
    "gateway > site",
    "found a table; allowed: a text",
    "correct site",
  ],
  [
    "single brackets",
    withLine(4, "[broker]"),
    4,
    "broker",
    "found a table; allowed: one or more tables, each with the header [[broker]]",
    "",
  ],
  ["double brackets", withLine(1, "[[gateway]]"), 1, "gateway", "found a list of 1; allowed: a table, [gateway]", ""],
  [
    "a site with a space",
    withLine(2, 'site = "HZ 01"'),
    2,
    "gateway > site",
    "1 to 64 letters, digits, - and _",
    "correct site",
  ],
  [
    "a relative data_dir",
    withLine(3, 'id = "line-3"', 'data_dir = "state"'),
    4,
    "gateway > data_dir",
    "an absolute path",
    "/var/lib/sortgate",
  ],
  ["a missing key", withLine(3), 1, "gateway > id", "found nothing", "add the line id = …"],
  [
    "a missing section",
    smallest.slice(smallest.indexOf("[[broker]]")),
    1,
    "gateway",
    "found nothing; allowed: a table, [gateway]",
    "add [gateway]",
  ],
  ["no broker", smallest.replace(/\[\[broker\]\][^[]*/, ""), 1, "broker", "one or more tables", "add [[broker]]"],
  [
    "an empty list of brokers",
    `broker = []\n${smallest.replace(/\[\[broker\]\][^[]*/, "")}`,
    1,
    "broker",
    "found an empty list",
    "",
  ],
  [
    "a device without a driver",
    withLine(12),
    9,
    'device "scanner-1" > driver',
    'found nothing; allowed: one of "serial", "tcp", "opcua"',
    "add the line driver",
  ],
  [
    "an unknown driver",
    withLine(12, 'driver = "seriel"'),
    12,
    'device "scanner-1" > driver',
    'found "seriel"',
    'driver = "serial"',
  ],
  [
    "an unknown profile",
    withLine(14, 'profile = "linebarcode"'),
    14,
    'device "scanner-1" > profile',
    'found "linebarcode"',
    'profile = "line-barcode"',
  ],
  ["a device without a name", withLine(10), 9, "device 1 > name", "found nothing", "add the line name = …"],
  [
    "a dangling read_point",
    withLine(11, 'read_point = "tunel-1"'),
    11,
    'device "scanner-1" > read_point',
    'found "tunel-1", which is no read_point',
    'read_point = "tunnel-1"',
  ],
  [
    "a read_point like no other",
    withLine(11, 'read_point = "dock"'),
    11,
    'device "scanner-1" > read_point',
    "which is no read_point",
    "add a [[read_point]]",
  ],
  [
    "two devices of one name",
    `${smallest}${secondScanner.replace("usb-a", "usb-b")}`,
    16,
    'device "scanner-1" > name',
    "stands in line 10 already",
    "rename",
  ],
  [
    "two brokers of one name",
    `${smallest}[[broker]]\nname = "central"\nurl = "mqtt://localhost:1"\n`,
    16,
    'broker "central" > name',
    "line 5 already",
    "rename",
  ],
  [
    "two read points of one name",
    `${smallest}[[read_point]]\nname = "tunnel-1"\n`,
    16,
    'read_point "tunnel-1" > name',
    "line 8 already",
    "rename",
  ],
  [
    "two devices on one serial port",
    `${smallest}${secondScanner.replace("scanner-1", "scanner-2")}`,
    19,
    'device "scanner-2" > path',
    "line 13 already",
    "remove one",
  ],
  [
    "two devices on one listening port",
    `${smallest}${tcp("a", 'mode = "listen"\nhost = "0.0.0.0"\nport = 99')}${tcp("b", 'mode = "listen"\nhost = "10.0.0.1"\nport = 99')}`,
    30,
    'device "b" > port',
    "on which line 22 listens already",
    "another port",
  ],
  [
    "a passwordless broker far away",
    withLine(6, 'url = "mqtt://10.0.0.9:1883"'),
    6,
    'broker "central" > url',
    "mqtts:// for another machine",
    "correct url",
  ],
  [
    "a broker on a port that nobody can listen on",
    withLine(6, 'url = "mqtts://b:0"'),
    6,
    'broker "central" > url',
    "mqtts://host:port",
    "correct url",
  ],
  [
    "a number that is no number of this machine, told once",
    `${smallest}[queue]\nbytes_max = 99999999999999999999\n`,
    16,
    "queue > bytes_max",
    "a whole number from 16000000",
    "correct bytes_max",
  ],
  [
    "a certificate without its key",
    withLine(6, 'url = "mqtts://b:1"', 'cert_file = "/c.pem"'),
    7,
    'broker "central" > cert_file',
    "cert_file and key_file together",
    "",
  ],
  [
    "a pass shorter than its end",
    withLine(8, 'name = "tunnel-1"', "depart_ms = 40000"),
    7,
    'read_point "tunnel-1" > pass_max_ms',
    "found 30000, the default; allowed: more than depart_ms",
    "add pass_max_ms",
  ],
  [
    "tags in mode autoid",
    smallest + opcua('[[device.tag]]\ncode = "ns=2;s=a"\nsequence = "ns=2;s=b"'),
    20,
    'device "rfid-1" > tag',
    "only with mode",
    "",
  ],
  [
    "a broken node id",
    smallest + opcua('mode = "tags"\n[[device.tag]]\ncode = "Scanner.Code"\nsequence = "ns=2;s=b"'),
    22,
    'device "rfid-1" > tag 1 > code',
    "a node id",
    "",
  ],
  [
    "R18 core data in clear",
    `${smallest}[guard]\ncore = "clear"\n`,
    16,
    "guard > core",
    'found "clear"; allowed: one of "drop", "mask", "token", "seal"',
    "",
  ],
  [
    "R18 core data in clear at one read point",
    `${smallest}[[guard.policy]]\nread_point = "tunnel-1"\ncore = "clear"\n`,
    17,
    "guard > policy 1 > core",
    'found "clear"',
    "",
  ],
  ["sealing to nobody", `${smallest}[guard]\ncore = "seal"\n`, 15, "guard > seal_key_file", "public key", ""],
  [
    "a policy for a read point that is not there",
    `${smallest}[[guard.policy]]\nread_point = "tunel-1"\n`,
    16,
    "guard > policy 1 > read_point",
    'found "tunel-1", which is no read_point',
    'write read_point = "tunnel-1"',
  ],
  [
    "two policies for one read point",
    `${smallest}[[guard.policy]]\nread_point = "tunnel-1"\n[[guard.policy]]\nread_point = "tunnel-1"\n`,
    18,
    "guard > policy 2 > read_point",
    "which stands in line 16 already",
    "put both into one policy",
  ],
  [
    "a carrier that does not exist",
    `${smallest}[guard]\ncarriers = ["sff"]\n`,
    16,
    "guard > carriers 1",
    'found "sff"',
    'write "sf"',
  ],
  [
    "an http address for everybody",
    `${smallest}[control]\nhttp = "0.0.0.0:9477"\n`,
    16,
    "control > http",
    "a loopback address",
    "",
  ],
  [
    "an environment variable",
    withLine(2, `site = "${variable("HOME")}"`),
    2,
    "gateway > site",
    `found "${variable("HOME")}"; allowed: only ${credentials}`,
    "itself",
  ],
  [
    "credentials where no path belongs",
    withLine(2, `site = "${credentials}"`),
    2,
    "gateway > site",
    "where no path is expected",
    "itself",
  ],
  [
    "credentials outside of a unit",
    withLine(6, 'url = "mqtt://127.0.0.1:1"', `ca_file = "${credentials}/ca"`),
    7,
    'broker "central" > ca_file',
    "CREDENTIALS_DIRECTORY is not set here",
    "LoadCredential",
  ],
  [
    "a password in the file",
    withLine(5, 'name = "central"', 'password = "hunter2"'),
    6,
    'broker "central" > password',
    "unknown key",
    "password_file",
  ],
];

describe("a broken configuration is told with its line, its key, what is allowed and what to try", () => {
  test.each(table)("%s", async (_fact, text, line, key, sentence, hint) => {
    const problems = await problemsOf(text);
    const found = problems.find((problem) => problem.key === key);
    expect(found, JSON.stringify(problems, null, 1)).toMatchObject({
      code: "config/invalid",
      file: "/etc/sortgate/sortgate.toml",
      line,
    });
    expect(found?.sentence).toContain(sentence);
    expect(found?.hint).toContain(hint);
    expect(found?.hint).not.toBe("");
    // The words of the library that checks never get through.
    expect(JSON.stringify(problems)).not.toMatch(/Invalid input|expected |received|Unrecognized|Too (big|small)/);
  });
});

const syntax: [string, string, number, number, string][] = [
  ["a text without its end", withLine(2, 'site = "HZ01'), 2, 13, "closing quote"],
  ["a list without its end", `${smallest}no_read = ["a"\n`, 15, 15, "closing bracket"],
  ["a header without its end", withLine(4, "[[broker"), 4, 9, "closing bracket"],
  ["a missing value", withLine(2, "site ="), 2, 7, "value is missing"],
  ["a value that is only a remark", withLine(2, "site = # later"), 2, 15, "value is missing"],
  ["a word alone", withLine(2, "site"), 2, 5, "no = behind the key"],
  ["a stray = at the start of a line", withLine(2, "= 5"), 2, 1, "does not belong here"],
  ["a missing =", withLine(2, 'site "HZ01"'), 2, 6, "no = behind the key"],
  ["a text without quotes", withLine(2, "site = HZ01"), 2, 8, "does not belong here"],
  ["two keys on one line", withLine(2, 'site = "a" id = "b"'), 2, 12, "line should end"],
  ["a key given twice", withLine(3, 'id = "a"', 'id = "b"'), 4, 1, "given twice; it stands in line 3 already"],
  ["a section given twice", `${smallest}[gateway]\n`, 15, 2, "given twice; it stands in line 1 already"],
  ["a number that begins with 0", `${smallest}baud_rate = 09600\n`, 15, 13, "begins with 0"],
];

describe("a syntax error is told with line, column, and the text of the line above a caret", () => {
  test.each(syntax)("%s", async (_fact, text, line, column, sentence) => {
    const [problem, ...others] = await problemsOf(text);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ line, key: "" });
    expect(problem?.sentence).toMatch(new RegExp(sentence.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
    expect(problem?.column).toBe(column);
    expect(problem?.excerpt).toEqual([text.split("\n")[line - 1], `${" ".repeat(column - 1)}^`]);
  });
});

test("all problems are told, in the order of the file", async () => {
  const text = contractExample
    .replace('"HZ01"', '"HZ 01"')
    .replace("500 ", '"x" ')
    .replace("2112", "70000")
    .replace('"token" ', '"tokn" ')
    .replace("info", "loud");
  const problems = await problemsOf(text);
  expect(problems.map(({ key }) => key)).toEqual([
    "gateway > site",
    'read_point "tunnel-1" > depart_ms',
    'device "scanner-2" > port',
    "guard > unknown",
    "log > level",
  ]);
});

test("a 33rd device at one read point is refused, once", async () => {
  const devices = Array.from({ length: 34 }, (_, index) => tcp(`d${index}`, `host = "10.0.0.${index}"\nport = 1`));
  const problems = await problemsOf(smallest.slice(0, smallest.indexOf("[[device]]")) + devices.join(""));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ key: 'device "d32" > read_point', line: 8 + 32 * 7 + 3 });
});

test("no password gets into a message", async () => {
  const texts = [
    withLine(5, 'name = "central"', `password = "a${variable("hunter2")}"`),
    withLine(5, 'name = "central"', `password_file = "a${variable("hunter2")}"`),
    withLine(5, 'name = "central"', 'password = "hunter2"'),
    withLine(6, 'url = "mqtts://user:hunter2@broker:8883"'),
    withLine(6, 'url = "mqtts://b:1"', 'password_file = "hunter2"'),
    withLine(6, 'url = "mqtts://b:1"', 'password_file = ["hunter2"]'),
    withLine(5, 'name = "central"', 'password = "hunter2'),
    withLine(6, 'url = "mqtts://user:hunter2@broker:8883'),
    withLine(5, 'name = "central"', "secret_key = 'hunter2"),
  ];
  for (const text of texts) {
    const checked = await checkConfig("/x.toml", { text, env: {}, namedFiles: true });
    if (checked.ok) throw new Error(text);
    expect(JSON.stringify(checked)).not.toContain("hunter2");
  }
});

test("a long value is cut to sixty characters", async () => {
  const [problem] = await problemsOf(withLine(2, `site = "${"x".repeat(500)}"`));
  expect(problem?.sentence).toContain(`found "${"x".repeat(59)}…"`);
});

test("nesting without end is told in one sentence", async () => {
  for (const text of [
    `a = ${"[".repeat(20)}${"]".repeat(20)}`,
    `${"a.".repeat(30_000)}b = 1`,
    `a = ${"[".repeat(99_999)}${"]".repeat(99_999)}`,
  ]) {
    const problems = await problemsOf(text);
    expect(problems.map(({ sentence }) => sentence)).toEqual(["values are nested too deeply"]);
  }
});

test("a hundred thousand mistakes are all found", async () => {
  const problems = await problemsOf(`${smallest}[guard]\ncarriers = [${'"qq",'.repeat(100_000)}]\n`);
  expect(problems).toHaveLength(100_000);
});

test("a daemon gets one error that tells the first problem and how many there are", async () => {
  const error: unknown = await readConfig("/nowhere/sortgate.toml").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SortgateError);
  expect(error).toMatchObject({ code: "config/unreadable", context: { problemCount: 1 } });
});
