import { userInfo } from "node:os";
import { readControl } from "../config/index.ts";
import { createControlClient, type Status } from "../control/index.ts";
import { SortgateError } from "../model/error.ts";
import type { Output } from "./output.ts";

/** How a command talks to the running daemon. */
export interface Daemon extends ReturnType<typeof createControlClient> {
  /** Digest of what stands in the config file now; absent if the file has problems. */
  readonly configDigest: string | undefined;
  /** Whether that digest rests on where systemd usually keeps credentials. */
  readonly isDigestGuessed: boolean;
}

/** Where systemd keeps the daemon's credentials: a shell does not have the variable. */
export const daemonEnv: Readonly<Record<string, string | undefined>> = {
  CREDENTIALS_DIRECTORY: "/run/credentials/sortgate.service",
  ...process.env,
};

/**
 * The daemon of a config file; whether somebody answers, the first question shows.
 *
 * Needs nothing of the file but the control socket's path: of other problems it only warns.
 * Fails:  with `config/unreadable` if there is no file to read.
 */
export async function daemonOf(configPath: string, output: Output): Promise<Daemon> {
  const { socket, state, digest, hasCredentials } = await readControl(configPath, daemonEnv);
  const check = `sortgate check --config ${configPath} names them`;
  if (state === "flawed") output.note(`Warning: ${configPath} has problems; ${check}. Asking the daemon all the same.`);
  if (state === "lost")
    output.note(`Warning: ${configPath} has problems and names no control socket; ${check}. Asking at ${socket}.`);
  const isDigestGuessed = hasCredentials && process.env.CREDENTIALS_DIRECTORY === undefined;
  return {
    ...createControlClient(socket, configPath),
    configDigest: digest,
    isDigestGuessed,
  };
}

/** The status of the daemon, which may be of another version than this command. */
export async function statusOf(daemon: Pick<Daemon, "get">): Promise<Status> {
  const status = (await daemon.get("/status")) as Partial<Status> | null;
  const { gateway, chain, queue, devices, readPoints, brokers, labels = [], sealing = "off", ...guard } = status ?? {};
  if (gateway && chain && queue && Array.isArray(devices) && Array.isArray(readPoints) && Array.isArray(brokers))
    return { gateway, chain, queue, devices, readPoints, brokers, labels, sealing, ...guard };
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
