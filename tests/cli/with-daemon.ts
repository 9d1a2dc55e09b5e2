import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayView } from "../../src/control/port.ts";
import { aControl, aView } from "../control/a-view.ts";

/** A config file of a gateway, with these lines behind its smallest content. */
export function aConfig(folder: string, more = "", socket = join(folder, "control.sock")): string {
  const path = join(folder, "sortgate.toml");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path,
    `[gateway]
site = "HZ01"
id = "line-3"
data_dir = ${JSON.stringify(join(folder, "data"))}
[[broker]]
name = "central"
url = "mqtt://127.0.0.1:1883"
[[read_point]]
name = "tunnel-1"
[control]
socket = ${JSON.stringify(socket)}
[guard]
carriers = ["sf", "zto", "sto", "yunda", "ems", "s10", "sscc"]
${more}
`,
  );
  return path;
}

export function aFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "sortgate-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A control socket with a config file that names it. */
export async function aDaemon(view: GatewayView = aView()) {
  const control = await aControl(view);
  return { ...control, config: aConfig(control.folder, "", control.socket) };
}
