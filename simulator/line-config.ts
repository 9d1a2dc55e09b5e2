import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../src/lib/assert.ts";
import { programFolder } from "../src/lib/program-folder.ts";
import type { LineAddresses } from "./virtual-line.ts";

export interface ConfigPlaces {
  readonly addresses: LineAddresses;
  readonly dataDir: string;
  readonly controlSocket: string;
  readonly brokerUrl: string;
}

/** The read point and its longest pass, as config/demo.toml has them. */
export const demoReadPoint = { name: "tunnel-1", passMaxMs: 3_000 } as const;

/** The config of a gateway for the virtual line: config/demo.toml with its placeholders filled in. */
export function fillConfig(template: string, { addresses, dataDir, controlSocket, brokerUrl }: ConfigPlaces): string {
  const values: Readonly<Record<string, string>> = {
    data_dir: dataDir,
    control_socket: controlSocket,
    broker_url: brokerUrl,
    serial_path: addresses.serialPath,
    tcp_port: String(addresses.tcpPort),
    opcua_endpoint: addresses.opcuaEndpoint,
  };
  return template
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .trimStart()
    .replace(/\{\{(\w+)\}\}/g, (_, word: string) => {
      const value = values[word];
      assert(value !== undefined, `config/demo.toml has no other placeholders than those it names, not {{${word}}}`);
      // A path may hold a quote or a backslash; TOML escapes them as JSON does.
      return JSON.stringify(value).slice(1, -1);
    });
}

/** Reads config/demo.toml. */
export function readTemplate(): string {
  return readFileSync(join(programFolder(), "config/demo.toml"), "utf8");
}
