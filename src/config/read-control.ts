import { readFile } from "node:fs/promises";
import { controlSettings } from "../control/settings.ts";
import { SortgateError } from "../model/error.ts";
import { checkConfig } from "./check-config.ts";
import { configDigest } from "./digest.ts";
import { nodeAt, textAt } from "./toml/locate.ts";
import { parseToml, type TomlTable } from "./toml/parse-toml.ts";
import { problemText } from "./words/problem.ts";

/** What a command needs of a config file to ask the daemon that was started with it. */
export interface FoundControl {
  readonly socket: string;
  /**
   * `sound`: the file has no problem; `flawed`: it has some, but its socket can be read; `lost`: not even that, and
   * `socket` is the default.
   */
  readonly state: "sound" | "flawed" | "lost";
  /** SHA-256 of the effective configuration; absent unless the file is sound. */
  readonly digest: string | undefined;
  /** Whether the digest holds the directory of credentials, which is the daemon's own. */
  readonly hasCredentials: boolean;
}

const defaultSocket = controlSettings.parse({}).socket;

/** The header of a table, and any other header; a comment may follow. */
const controlHeader = /^\s*\[\s*(?:control|"control"|'control')\s*\]\s*(?:#.*)?$/;
const anyHeader = /^\s*\[/;
const socketLine = /^\s*(?:control\s*\.\s*)?socket\s*=/;

function tableOf(text: string): TomlTable | undefined {
  const parsed = parseToml(text);
  return parsed.ok ? parsed.root : undefined;
}

/** The socket of a file that is no TOML as a whole: its line may be sound for all that. */
function socketInLines(text: string): string | undefined {
  let section: "top" | "control" | "other" = "top";
  for (const line of text.split(/\r?\n/)) {
    if (controlHeader.test(line)) section = "control";
    else if (anyHeader.test(line)) section = "other";
    else if (section !== "other" && socketLine.test(line)) {
      const root = tableOf(section === "control" ? `[control]\n${line}` : line);
      const socket = root === undefined ? undefined : textAt(root, ["control", "socket"]);
      if (socket !== undefined) return socket;
    }
  }
  return undefined;
}

/** The socket of a file with problems: the default if the file is TOML and names none, absent if it cannot be told. */
function socketIn(text: string): string | undefined {
  const root = tableOf(text);
  if (root === undefined) return socketInLines(text);
  return nodeAt(root, ["control", "socket"]) === undefined ? defaultSocket : textAt(root, ["control", "socket"]);
}

/**
 * Finds the control socket that a config file names, also if the rest of the file is wrong: a typo must not hide a
 * daemon that runs.
 *
 * Fails:  with `config/unreadable` if the file is not there, or not for this user.
 */
export async function readControl(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundControl> {
  const checked = await checkConfig(path, { env });
  if (checked.ok) {
    const { config } = checked;
    const hasCredentials = JSON.stringify(config).includes(env.CREDENTIALS_DIRECTORY ?? "\0");
    return { socket: config.control.socket, state: "sound", digest: configDigest(config), hasCredentials };
  }
  const [first] = checked.problems;
  if (first?.code === "config/unreadable")
    throw new SortgateError(first.code, problemText(first), { hint: first.hint, context: { file: path } });
  const found = socketIn(await readFile(path, "utf8"));
  const socket = controlSettings.shape.socket.safeParse(found);
  // An absent socket would be parsed as its default.
  const unknown = { digest: undefined, hasCredentials: false };
  if (found === undefined || !socket.success) return { socket: defaultSocket, state: "lost", ...unknown };
  return { socket: socket.data, state: "flawed", ...unknown };
}
