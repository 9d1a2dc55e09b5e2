import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A small file system of its own in a directory, in a mount namespace: no root is needed for it. */
export interface SmallDisk {
  /** The program, with its arguments, that starts another one where the disk can be seen. */
  readonly under: readonly string[];
  /** Takes all room that is left. */
  fill(): void;
  /** Gives back what was taken. */
  free(): void;
  freeBytes(): number;
  /** The directory, as it is seen from outside. */
  readonly dir: string;
  close(): Promise<void>;
}

export async function openSmallDisk(directory: string, size: string): Promise<SmallDisk> {
  mkdirSync(directory, { recursive: true });
  const script = 'mount -t tmpfs -o size="$1",mode=0700 tmpfs "$2" && echo mounted && exec sleep infinity';
  const holder = spawn("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", size, directory]);
  const gone = once(holder, "exit");
  let said = "";
  holder.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await Promise.race([
    once(holder.stdout, "data"),
    gone.then(() => {
      throw new Error(`no small disk: ${said}`);
    }),
  ]);
  const dir = join("/proc", String(holder.pid), "root", directory);
  const filler = join(dir, "filler");
  const part = Buffer.alloc(4_096);
  return {
    under: ["nsenter", "--user", "--mount", "--preserve-credentials", `--target=${holder.pid}`],
    dir,
    fill() {
      try {
        for (;;) writeFileSync(filler, part, { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    free: () => rmSync(filler, { force: true }),
    freeBytes() {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    },
    async close() {
      holder.kill("SIGKILL");
      await gone;
    },
  };
}
