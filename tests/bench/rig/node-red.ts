import { execFileSync, spawn } from "node:child_process";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { said } from "./contenders.ts";
import { type Contender, scratch, type Wired } from "./processes.ts";

/** The newest that runs on every Node that we run on. */
const packages = ["node-red@4.1.8", "node-red-node-serialport@2.0.3"];

/** What one writes into a function node; passes part as the other contenders have them part. */
const deduplication = `
const departMs = 500;
const code = msg.payload.trim();
const now = Date.now();
const seen = context.get("seen") ?? new Map();
context.set("seen", seen);
if (now - (context.get("sweptAt") ?? 0) >= departMs) {
  for (const [known, at] of seen) if (now - at >= departMs) seen.delete(known);
  context.set("sweptAt", now);
}
const last = seen.get(code);
seen.set(code, now);
if (last !== undefined && now - last < departMs) return null;
return { payload: JSON.stringify({ code, readPoint: "tunnel-1", time: new Date(now).toISOString() }) };
`;

/** The flow: serial in and tcp in → function → mqtt out with QoS 1. */
function flow({ brokerPort, wires }: Wired): unknown[] {
  const node = (id: string, type: string, settings: object): unknown => ({ id, type, z: "flow", ...settings });
  const config = (id: string, type: string, settings: object): unknown => ({ id, type, ...settings });
  const lines = { newline: "\\n", wires: [["dedup"]] };
  const inputs = wires.flatMap(({ kind, address }, index) => {
    const port = `port-${index}`;
    const tcp = { server: "client", host: "127.0.0.1", port: address, datamode: "stream", datatype: "utf8" };
    const serial = { serialport: address, serialbaud: "115200", newline: "\\n", out: "char", bin: "false" };
    return kind === "tcp"
      ? [node(`in-${index}`, "tcp in", { ...tcp, ...lines })]
      : [config(port, "serial-port", serial), node(`in-${index}`, "serial in", { serial: port, ...lines })];
  });
  const broker = { broker: "127.0.0.1", port: String(brokerPort), protocolVersion: "5", autoConnect: true };
  return [
    config("flow", "tab", { label: "bench" }),
    config("broker", "mqtt-broker", { ...broker, cleansession: true, keepalive: "60" }),
    ...inputs,
    node("dedup", "function", { func: deduplication, outputs: 1, wires: [["out"]] }),
    node("out", "mqtt out", { topic: "bench/read/tunnel-1", qos: "1", broker: "broker", wires: [] }),
  ];
}

/**
 * Node-RED as it comes, without its editor: no signature, and nothing on disk.
 *
 * Takes:   the directory that holds its `node_modules`; an empty text for a new one, which npm fills.
 */
export function installNodeRed(dir: string): Contender {
  const home = dir === "" ? scratch("node-red") : resolve(dir);
  if (dir === "") {
    writeFileSync(join(home, "package.json"), "{}");
    execFileSync("npm", ["install", "--no-fund", "--no-audit", "--loglevel=error", ...packages], {
      cwd: home,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }
  const program = join(home, "node_modules/node-red/red.js");
  if (!existsSync(program)) throw new Error(`Node-RED is not in ${home}; it is to hold ${packages.join(" and ")}`);
  return {
    name: "Node-RED",
    async start(place) {
      const userDir = scratch("node-red-user");
      symlinkSync(join(home, "node_modules"), join(userDir, "node_modules"));
      writeFileSync(join(userDir, "flows.json"), JSON.stringify(flow(place)));
      writeFileSync(
        join(userDir, "settings.js"),
        'module.exports = { flowFile: "flows.json", httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false };',
      );
      const [command, ...rest] = [...place.prefix, process.execPath, program, "--userDir", userDir];
      const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
      const wanted = new Map([["Connected to broker", 1]]);
      for (const { kind, address } of place.wires)
        wanted.set(kind === "serial" ? `serial port ${address} opened` : `connected to 127.0.0.1:${address}`, 1);
      await said(child, wanted);
      return child;
    },
  };
}
