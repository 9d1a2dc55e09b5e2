import { isIP } from "node:net";
import { isSealing } from "../../guard/settings.ts";
import type { Config } from "../schema.ts";
import { type KeyPath, nodeAt, pathText, placeAt } from "../toml/locate.ts";
import type { TomlTable } from "../toml/parse-toml.ts";
import type { Finding } from "../words/problem.ts";

type SerialDevice = Extract<Config["devices"][number], { driver: "serial" }>;

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));
}

function brokerWarnings({ brokers }: Config): [KeyPath, string, string][] {
  return brokers.flatMap(({ url }, index): [KeyPath, string, string][] => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== "mqtt:" || isThisMachine(hostname)) return [];
    const sentence = "events go to another machine unencrypted: they can be read on the way";
    return [[["broker", index, "url"], sentence, "use mqtts:// with ca_file"]];
  });
}

/** What UARTs and USB adapters are set to; another rate is nearly always a slip of the pen. */
const usualBaudRates: readonly number[] = [
  50, 75, 110, 134, 150, 200, 300, 600, 1_200, 1_800, 2_400, 4_800, 9_600, 14_400, 19_200, 28_800, 31_250, 38_400,
  56_000, 57_600, 76_800, 115_200, 128_000, 230_400, 250_000, 256_000, 460_800, 500_000, 576_000, 921_600, 1_000_000,
  1_152_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 3_500_000, 4_000_000,
];

function nearestBaudRate(rate: number): number {
  return usualBaudRates.reduce((best, one) => (Math.abs(one - rate) < Math.abs(best - rate) ? one : best));
}

function serialWarnings(device: SerialDevice, index: number): [KeyPath, string, string][] {
  const warnings: [KeyPath, string, string][] = [];
  // Ports on the board keep their numbers, and links keep what a rule of udev says.
  if (/^\/dev\/tty\w*(USB|ACM)\d+$/.test(device.path))
    warnings.push([
      ["device", index, "path"],
      "the name of this port may change when devices are plugged in another order",
      "take a path below /dev/serial/by-id or by-path; sortgate devices lists them",
    ]);
  if (!usualBaudRates.includes(device.baud_rate))
    warnings.push([
      ["device", index, "baud_rate"],
      `found ${device.baud_rate}, an unusual rate`,
      `look it up in the scanner's settings; the nearest usual one is ${nearestBaudRate(device.baud_rate)}`,
    ]);
  return warnings;
}

function deviceWarnings({ devices }: Config): [KeyPath, string, string][] {
  return devices.flatMap((device, index): [KeyPath, string, string][] => {
    if (device.driver === "serial") return serialWarnings(device, index);
    if (device.driver === "opcua" && device.security === "none")
      return [
        [
          ["device", index, "security"],
          "codes and passwords can be read on the network",
          'use security = "sign-and-encrypt" if the server can',
        ],
      ];
    return [];
  });
}

/** Nobody could prove the chain, or open what is sealed. */
function viewWarnings({ brokers }: Config): [KeyPath, string, string][] {
  if (brokers.some(({ view }) => view === undefined)) return [];
  const sentence =
    "every broker has a view, so nobody gets the events themselves, and nobody can verify the whole chain";
  return [[["broker", 0, "view"], sentence, "leave [broker.view] out for the broker of the centre"]];
}

/** Id and time of an event are the same in all views: two partners who see one read point can find out by them. */
function sharedViewWarnings({ brokers, readPoints }: Config): [KeyPath, string, string][] {
  const all = readPoints.map(({ name }) => name);
  const views = brokers.flatMap(({ name, view }, index) =>
    view === undefined ? [] : [{ name, index, seen: view.read_points ?? all, isOfAll: view.read_points === undefined }],
  );
  return views.flatMap(({ name, index, seen, isOfAll }, at): [KeyPath, string, string][] => {
    const others = views.slice(0, at).filter((other) => other.seen.some((readPoint) => seen.includes(readPoint)));
    if (others.length === 0) return [];
    const names = [...others.map((other) => other.name), name].map((one) => JSON.stringify(one));
    const sentence = `the views of ${names.join(" and ")} show the same read point: their partners can tell by id and time which events of theirs are one`;
    const hint = "give each view read_points of its own, unless one partner gets both";
    return [[["broker", index, "view", ...(isOfAll ? [] : ["read_points"])], sentence, hint]];
  });
}

function emptinessWarnings({ devices, readPoints }: Config): [KeyPath, string, string][] {
  if (devices.length === 0) return [[["device"], "there is no [[device]], so nothing is read", "add a [[device]]"]];
  const used = new Set(devices.map((device) => device.read_point));
  return readPoints.flatMap(({ name }, index): [KeyPath, string, string][] =>
    used.has(name) ? [] : [[["read_point", index], "no device looks here", "add a [[device]] for it, or remove it"]],
  );
}

/** Keys of `[guard]` that are written and change nothing; with a signed policy that is for the centre to say. */
function idleWarnings(root: TomlTable, { guard }: Config): [KeyPath, string, string][] {
  if (guard.policy_file !== undefined) return [];
  const isMasking = [guard, ...guard.policy].some(({ core, basic }) => core === "mask" || basic === "mask");
  const idle: [key: string, isIdle: boolean, sentence: string, hint: string][] = [
    ["masks", !isMasking, "nothing is masked, so that this key has no effect", 'remove it, or write core = "mask"'],
    [
      "seal_key_file",
      !isSealing(guard),
      "nothing is sealed to the centre, so that this key has no effect",
      'remove it, or write core = "seal"',
    ],
  ];
  return idle.flatMap(([key, isIdle, sentence, hint]): [KeyPath, string, string][] =>
    isIdle && nodeAt(root, ["guard", key]) !== undefined ? [[["guard", key], sentence, hint]] : [],
  );
}

/** What is allowed in a sound configuration and still deserves a look. */
export function warningsOf(root: TomlTable, config: Config): Finding[] {
  const all = [
    ...brokerWarnings(config),
    ...viewWarnings(config),
    ...sharedViewWarnings(config),
    ...emptinessWarnings(config),
    ...deviceWarnings(config),
    ...idleWarnings(root, config),
  ];
  return all.map(([path, sentence, hint]) => ({
    at: placeAt(root, path),
    key: pathText(root, path),
    sentence,
    hint,
  }));
}
