import { expect, test } from "vitest";
import { type Config, checkConfig, configDigest } from "../../src/config/index.ts";
import { contractExample, smallest } from "./sound.ts";

async function sound(text: string): Promise<Config> {
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.config;
}

async function warned(text: string): Promise<[number | undefined, string][]> {
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
  expect(checked.ok).toBe(true);
  return checked.warnings.map(({ line, key }) => [line, key]);
}

test("the example of the contract is sound and gives no warning", async () => {
  const config = await sound(contractExample);
  expect(config.gateway).toEqual({ site: "HZ01", id: "line-3", data_dir: "/var/lib/sortgate" });
  expect(config.brokers.map(({ name }) => name)).toEqual(["central"]);
  expect(config.devices.map(({ driver }) => driver)).toEqual(["serial", "tcp", "opcua"]);
  expect(config.readPoints[0]?.pass_max_ms).toBe(30_000);
  expect(await warned(contractExample)).toEqual([]);
});

test("what the file leaves out has its default", async () => {
  const config = await sound(smallest);
  expect(config.gateway.data_dir).toBe("/var/lib/sortgate");
  expect(config.queue).toEqual({ bytes_max: 2_000_000_000, retain_days: 30, when_full: "drop-oldest" });
  expect(config.control).toEqual({
    socket: "/run/sortgate/control.sock",
    http_allow_remote: false,
    reveals_max: 1_000,
  });
  expect(config.log).toEqual({ level: "info" });
  expect(config.guard).toEqual({
    carriers: ["s10", "sscc"],
    unknown: "token",
    core: "drop",
    basic: "clear",
    public: "clear",
    masks: "gbt41833",
    crypto: "intl",
    policy: [],
  });
});

test("a byte order mark and Windows line ends are accepted", async () => {
  const config = await sound(`\uFEFF${smallest.replaceAll("\n", "\r\n")}`);
  expect(config).toEqual(await sound(smallest));
});

test("inline tables and dotted keys mean the same as headers", async () => {
  const written = smallest.replace(
    '[gateway]\nsite = "HZ01"\nid = "line-3"\n',
    'gateway = { site = "HZ01", id = "line-3" }\nlog.level = "debug"\n',
  );
  expect((await sound(written)).gateway).toEqual((await sound(smallest)).gateway);
  expect((await sound(written)).log.level).toBe("debug");
});

test("the digest follows what is effective, not how it is written", async () => {
  const digest = configDigest(await sound(smallest));
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  const sections = smallest.split(/(?=^\[\[?[a-z_]+\]\]?$)/m);
  expect(configDigest(await sound(`# remark\n${sections.toReversed().join("\n")}`))).toBe(digest);
  expect(configDigest(await sound(`${smallest}[log]\nlevel = "info"\n`))).toBe(digest);
  expect(configDigest(await sound(`${smallest}[log]\nlevel = "debug"\n`))).not.toBe(digest);
  expect(configDigest(await sound(smallest.replace("scanner-1", "scanner-9")))).not.toBe(digest);
});

test("the digest does not depend on the order in which keys came", async () => {
  const config = await sound(contractExample);
  const turned = Object.fromEntries(Object.entries(config).toReversed()) as unknown as Config;
  const gateway = Object.fromEntries(Object.entries(config.gateway).toReversed()) as unknown as Config["gateway"];
  expect(configDigest({ ...turned, gateway })).toBe(configDigest(config));
});

test("the credentials directory is put into paths of files and into data_dir", async () => {
  const directory = `\${${"CREDENTIALS_DIRECTORY"}}`;
  const text = smallest
    .replace('id = "line-3"', () => `id = "line-3"\ndata_dir = "${directory}/state"`)
    .replace('1883"', () => `1883"\nca_file = "${directory}/ca.pem"`);
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", {
    text,
    env: { CREDENTIALS_DIRECTORY: "/run/credentials/sortgate.service" },
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  expect(checked.config.gateway.data_dir).toBe("/run/credentials/sortgate.service/state");
  expect(checked.config.brokers[0]?.ca_file).toBe("/run/credentials/sortgate.service/ca.pem");
});

test("a relative path of a file is taken from the config file's directory", async () => {
  const config = await sound(smallest.replace('1883"', '1883"\nca_file = "tls/ca.pem"'));
  expect(config.brokers[0]?.ca_file).toBe("/etc/sortgate/tls/ca.pem");
});

test("keys of the guard that change nothing are a warning with their line, and none where they do", async () => {
  const told = async (guard: string): Promise<string[]> => {
    const { warnings } = await checkConfig("/etc/sortgate/sortgate.toml", { text: `${smallest}[guard]\n${guard}` });
    return warnings.flatMap(({ line, key }) => (key.startsWith("guard") ? [`${line} ${key}`] : []));
  };
  const point = '[[guard.policy]]\nread_point = "tunnel-1"\n';
  expect(await told("")).toEqual([]);
  expect(await told('masks = "documents"\nseal_key_file = "a"\n')).toEqual([
    "16 guard > masks",
    "17 guard > seal_key_file",
  ]);
  expect(await told('masks = "documents"\ncore = "mask"\n')).toEqual([]);
  expect(await told('masks = "documents"\nbasic = "mask"\n')).toEqual([]);
  expect(await told(`masks = "documents"\n${point}core = "mask"\n`)).toEqual([]);
  expect(await told(`seal_key_file = "a"\n${point}basic = "seal"\n`)).toEqual([]);
  expect(await told('masks = "documents"\npolicy_file = "a"\npolicy_key_file = "b"\n')).toEqual([]);
});

test("what is allowed and deserves a look is a warning with its line", async () => {
  expect(await warned(smallest.replace("/dev/serial/by-id/usb-a", "/dev/ttyUSB0"))).toEqual([
    [13, 'device "scanner-1" > path'],
  ]);
  // The port on the board, and the name that a rule of udev gives, stay what they are.
  for (const path of ["/dev/ttyS0", "/dev/ttyAMA0", "/dev/ttymxc1", "/dev/scanner-1"])
    expect(await warned(smallest.replace("/dev/serial/by-id/usb-a", path))).toEqual([]);
  expect(await warned(`${smallest}baud_rate = 9601\n`)).toEqual([[15, 'device "scanner-1" > baud_rate']]);
  expect(await warned(`${smallest}baud_rate = 115_200\n`)).toEqual([]);
  const far = smallest.replace('mqtt://127.0.0.1:1883"', 'mqtt://10.0.0.9:1883"\nallow_plaintext = true');
  expect(await warned(far)).toEqual([[6, 'broker "central" > url']]);
  expect(await warned(smallest.slice(0, smallest.indexOf("[[device]]")))).toEqual([[1, "device"]]);
  const view = smallest.replace('1883"\n', '1883"\n[broker.view]\nbasic = "mask"\n');
  expect(await warned(view)).toEqual([[7, 'broker "central" > view']]);
  expect(await warned(`${view}[[broker]]\nname = "site"\nurl = "mqtt://127.0.0.1:1884"\n`)).toEqual([]);
  expect(await warned(`${smallest}[[read_point]]\nname = "dock-2"\n`)).toEqual([[15, 'read_point "dock-2"']]);
  const open = smallest.replace(
    /driver = "serial"[\s\S]*$/,
    'driver = "opcua"\nendpoint = "opc.tcp://10.0.0.8:4840"\nsecurity = "none"\n',
  );
  expect(await warned(open)).toEqual([[14, 'device "scanner-1" > security']]);
});

test("names, addresses of both kinds and a broker by its address are hosts", async () => {
  for (const host of ["scanner-2.site.example", "10.1.4.30", "fe80::1", "::", "0.0.0.0", "localhost", "3com"]) {
    const device = `[[device]]\nname = "b"\nread_point = "tunnel-1"\ndriver = "tcp"\nhost = "${host}"\nport = 1\nprofile = "line-rfid"\n`;
    await sound(`${smallest}${device}`);
  }
  await sound(smallest.replace("mqtt://127.0.0.1:1883", "mqtts://10.1.4.30:8883"));
});
