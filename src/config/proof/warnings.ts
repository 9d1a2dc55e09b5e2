import { isIP } from "node:net";
import type { Config } from "../schema.ts";
import { type KeyPath, pathText, placeAt } from "../toml/locate.ts";
import type { TomlTable } from "../toml/parse-toml.ts";
import type { Finding } from "../words/problem.ts";

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

function deviceWarnings({ devices }: Config): [KeyPath, string, string][] {
  return devices.flatMap((device, index): [KeyPath, string, string][] => {
    if (device.driver === "serial" && !/^\/dev\/(serial\/by-(id|path)|pts)\//.test(device.path))
      return [
        [
          ["device", index, "path"],
          "the name of this port may change when devices are plugged in another order",
          "take a path below /dev/serial/by-id or by-path; sortgate devices lists them",
        ],
      ];
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

function emptinessWarnings({ devices, readPoints }: Config): [KeyPath, string, string][] {
  if (devices.length === 0) return [[["device"], "there is no [[device]], so nothing is read", "add a [[device]]"]];
  const used = new Set(devices.map((device) => device.read_point));
  return readPoints.flatMap(({ name }, index): [KeyPath, string, string][] =>
    used.has(name) ? [] : [[["read_point", index], "no device looks here", "add a [[device]] for it, or remove it"]],
  );
}

/** What is allowed in a sound configuration and still deserves a look. */
export function warningsOf(root: TomlTable, config: Config): Finding[] {
  const all = [...brokerWarnings(config), ...emptinessWarnings(config), ...deviceWarnings(config)];
  return all.map(([path, sentence, hint]) => ({
    at: placeAt(root, path),
    key: pathText(root, path),
    sentence,
    hint,
  }));
}
