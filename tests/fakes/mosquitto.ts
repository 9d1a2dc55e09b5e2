import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A TCP port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

export interface Mosquitto {
  readonly port: number;
  readonly process: ChildProcess;
  /** Ends it and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a real mosquitto on loopback. Resolves once it listens; `lines` are added to its config. */
export async function openMosquitto(lines: readonly string[] = ["allow_anonymous true"], port = 0): Promise<Mosquitto> {
  const chosen = port === 0 ? await freePort() : port;
  const dir = mkdtempSync(join(tmpdir(), "sortgate-mosquitto-"));
  const config = join(dir, "mosquitto.conf");
  writeFileSync(config, [`user root`, `listener ${chosen} 127.0.0.1`, ...lines, ""].join("\n"));
  const child = spawn("mosquitto", ["-c", config, "-v"], { stdio: ["ignore", "ignore", "pipe"] });
  const gone = once(child, "exit");
  await new Promise<void>((resolve, reject) => {
    const said: string[] = [];
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`mosquitto ended with ${code}: ${said.join(" | ")}`)));
    createInterface({ input: child.stderr! }).on("line", (line) => {
      said.push(line);
      if (/ running$/.test(line)) resolve();
    });
  });
  return {
    port: chosen,
    process: child,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/**
 * Leads from a port to a broker. Who must miss nothing subscribes at the broker first: a gateway that calls the port
 * again and again may be there before anybody else.
 */
export async function openDoor(port: number, to: number): Promise<{ close(): void }> {
  const server = createServer((outside) => {
    const inside = connect(to, "127.0.0.1");
    outside.on("error", () => inside.destroy());
    inside.on("error", () => outside.destroy());
    outside.pipe(inside).pipe(outside);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return { close: () => void server.close() };
}

/** Files of a small certificate authority, made by the openssl command. */
export interface Certificates {
  readonly dir: string;
  readonly ca: string;
  /** Another CA, which vouches for nothing here. */
  readonly otherCa: string;
  readonly server: { readonly cert: string; readonly key: string };
  /** A server certificate whose time is over. */
  readonly expired: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

export function makeCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-certs-"));
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  };
  const authority = (name: string): void =>
    openssl(
      ..."req -x509 -newkey rsa:2048 -nodes -days 30 -subj".split(" "),
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
    );
  const signed = (name: string, extension: string, dates: string[]): { cert: string; key: string } => {
    openssl(
      ..."req -newkey rsa:2048 -nodes -subj".split(" "),
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
    );
    writeFileSync(at(`${name}.ext`), extension);
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.pem`,
      ...dates,
    );
    return { cert: at(`${name}.pem`), key: at(`${name}.key`) };
  };
  authority("ca");
  authority("other");
  const names = "subjectAltName=IP:127.0.0.1,DNS:localhost\n";
  return {
    dir,
    ca: at("ca.pem"),
    otherCa: at("other.pem"),
    server: signed("server", names, ["-days", "30"]),
    expired: signed("expired", names, ["-days", "-1"]),
    client: signed("client", "extendedKeyUsage=clientAuth\n", ["-days", "30"]),
  };
}
