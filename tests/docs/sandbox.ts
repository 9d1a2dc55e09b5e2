import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTcpScanner, startBelt } from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { blocks, root } from "./documents.ts";

/** A running command. */
export interface Started {
  readonly text: () => string;
  /** Ctrl-C; gives the exit code. */
  interrupt(): Promise<number | null>;
}

/** A machine of our own for the commands of a document: its root is a temporary directory, its user is us. */
export interface Sandbox {
  readonly dir: string;
  /** Runs one line of a document to its end, where the line before it left us. */
  run(line: string): Promise<{ readonly code: number | null; readonly text: string }>;
  start(line: string): Started;
  /** Ctrl-C to the latest command that this line started. */
  interrupt(line: string): Promise<number | null>;
  /** Does what the README asks for: makes the config say what its example says. */
  editConfig(): void;
  copy(from: string, to: string): void;
  size(path: string): number;
  mode(path: string): string;
  /** Makes the lines of a tmpfiles.d file name no owner: only root may give files away. */
  disown(path: string): void;
  /** An authority that signs a certificate request. */
  signRequest(request: string, certificate: string): void;
  close(): Promise<void>;
}

/** What `git clone`, `npm ci` and `npm run build` leave, without running them. */
function placeProgram(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["dist", "config", "systemd", "package.json"])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

/** Opens a sandbox with the program in /opt, a broker, and a scanner before which parcels pass. */
export async function openSandbox(): Promise<Sandbox> {
  const dir = mkdtempSync(join(tmpdir(), "docs-"));
  const at = (path: string): string => join(dir, path);
  for (const path of ["usr/bin", "etc/sysusers.d", "etc/tmpfiles.d", "etc/systemd/system", "etc/udev/rules.d"])
    mkdirSync(at(path), { recursive: true });
  placeProgram(at("opt/sortgate"));
  placeProgram(at("opt/sortgate-VERSION"));
  const broker = await openMosquitto();
  const scanner = await openTcpScanner();
  const belt = startBelt(scanner, 150);
  const started: (Started & { readonly line: string })[] = [];
  let folder = dir;

  const here = (line: string): string =>
    line
      .replace(/^sudo (-u \w+ )?/, "")
      .replace(/(?<=^|[\s=])\/(?:(opt|usr\/bin|etc)\/|tmp\/(first)\b)/g, (_, top = "", first = "") =>
        first === "" ? `${dir}/${top}/` : `${dir}/${first}`,
      )
      .replace(/\bmosquitto_sub\b/g, `mosquitto_sub -p ${broker.port}`)
      .replace(/^(systemctl|systemd-sysusers|systemd-tmpfiles)\b/, `$1 --root=${dir}`);

  const spawnShell = (script: string) => {
    const child = spawn("bash", ["-c", script], {
      cwd: folder,
      env: { ...process.env, PATH: `${dir}/usr/bin:${process.env.PATH}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    return { child, text: () => text, gone: once(child, "close") as Promise<[number | null]> };
  };

  return {
    dir,
    async run(line) {
      const script = here(line);
      if (script.startsWith("cd ")) {
        folder = script.slice("cd ".length);
        return { code: statSync(folder).isDirectory() ? 0 : 1, text: "" };
      }
      const { text, gone } = spawnShell(script);
      const [code] = await gone;
      return { code, text: text() };
    },
    start(line) {
      const { child, text, gone } = spawnShell(`exec ${here(line)}`);
      const one = {
        line,
        text,
        async interrupt() {
          child.kill("SIGINT");
          return (await gone)[0];
        },
      };
      started.push(one);
      return one;
    },
    interrupt: (line) => started.findLast((one) => one.line === line)!.interrupt(),
    editConfig() {
      const [example = ""] = blocks("README.md", "toml");
      const text = example
        .replaceAll("/tmp/first", at("first"))
        .replace("127.0.0.1:1883", `127.0.0.1:${broker.port}`)
        .replace("10.1.4.20", "127.0.0.1")
        .replace("port = 2112", `port = ${scanner.port}`)
        .replace("127.0.0.1:9477", "127.0.0.1:0");
      writeFileSync(at("first/sortgate.toml"), text);
    },
    copy: (from, to) => copyFileSync(at(from), at(to)),
    size: (path) => statSync(at(path), { throwIfNoEntry: false })?.size ?? 0,
    mode: (path) => (statSync(at(path)).mode & 0o777).toString(8),
    disown(path) {
      const text = readFileSync(at(path), "utf8");
      writeFileSync(at(path), text.replace(/^(d \S+ +\d+) .*$/gm, "$1 - - -"));
    },
    signRequest(request, certificate) {
      const openssl = (...args: string[]): void => {
        execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
      };
      openssl(..."req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=site-ca -keyout ca.key -out ca.pem".split(" "));
      const files = ["-in", request, "-out", certificate];
      openssl(
        ..."x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -copy_extensions copy".split(" "),
        ...files,
      );
    },
    async close() {
      for (const one of started) await one.interrupt();
      belt.stop();
      await scanner.close();
      await broker.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
