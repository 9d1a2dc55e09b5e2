import { userInfo } from "node:os";
import { readConfig } from "../config/index.ts";
import { createControlClient, type Status } from "../control/index.ts";
import { SortgateError } from "../model/error.ts";

/** How a command talks to the running daemon. */
export type Daemon = ReturnType<typeof createControlClient>;

/** Where systemd keeps the daemon's credentials: a shell does not have the variable, and needs only the socket's path. */
const credentials = "/run/credentials/sortgate.service";

/** The daemon of a config file. Fails as reading the config does; whether somebody answers, the first question shows. */
export async function daemonOf(configPath: string): Promise<Daemon> {
  const { control } = await readConfig(configPath, { env: { CREDENTIALS_DIRECTORY: credentials, ...process.env } });
  return createControlClient(control.socket);
}

/** The status of the daemon, which may be of another version than this command. */
export async function statusOf(daemon: Daemon): Promise<Status> {
  const status = (await daemon.get("/status")) as Partial<Status> | null;
  const { gateway, chain, queue, devices, readPoints, brokers } = status ?? {};
  if (gateway && chain && queue && Array.isArray(devices) && Array.isArray(readPoints) && Array.isArray(brokers))
    return { gateway, chain, queue, devices, readPoints, brokers };
  throw new SortgateError("control/refused", "The daemon answers in a form that this command does not know", {
    hint: "restart it, so that both are of one version: systemctl restart sortgate",
  });
}

/** Who runs this command, for the chain. Behind sudo it is the person who called it. */
export function whoAmI(): { readonly by: string; readonly uid: string } {
  const uid = String(process.getuid?.() ?? "unknown");
  const sudo = process.env.SUDO_USER ?? "";
  return { by: sudo === "" ? nameOfUser() : `${sudo} as ${nameOfUser()}`, uid };
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A user that has no entry in /etc/passwd, as in a container.
    return "unknown";
  }
}
