import { join } from "node:path";
import { SortgateError, systemCode } from "../model/error.ts";
import { folderOf, isMade, readPrivate, writePrivate } from "./files.ts";

/** The newest signed policy that this gateway ever worked by. */
export interface UsedPolicy {
  readonly version: number;
  /** SHA-256 in hex of what was signed. */
  readonly sha256: string;
}

/** What remembers it, so that an older one is refused. */
export interface PolicyMemory {
  readonly path: string;
  /** Undefined: there was none. Fails: identity/unreadable. */
  read(): Promise<UsedPolicy | undefined>;
  /** Replaces it as a whole, durably. False: there is no identity yet, whose folder it lies in. Fails: identity/unwritable. */
  write(used: UsedPolicy): Promise<boolean>;
}

const name = "policy.json";

export function policyMemory(dataDir: string): PolicyMemory {
  const folder = folderOf(dataDir);
  const path = join(folder, name);
  return {
    path,
    async read() {
      const text = await readPrivate(path).catch((error: unknown) => {
        if (systemCode((error as { cause?: unknown }).cause) === "ENOENT") return undefined;
        throw error;
      });
      return text === undefined ? undefined : parsed(text, path);
    },
    async write({ version, sha256 }) {
      if (!(await isMade(folder))) return false;
      await writePrivate(path, `${JSON.stringify({ version, sha256 })}\n`);
      return true;
    },
  };
}

function parsed(text: string, path: string): UsedPolicy {
  let value: Partial<UsedPolicy> | null = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below, with what is no such object.
  }
  const { version, sha256 } = value ?? {};
  if (Number.isSafeInteger(version) && version! > 0 && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256))
    return { version: version as number, sha256 };
  throw new SortgateError("identity/unreadable", `${path} is damaged`, {
    hint: "put it back from a backup; or tell the centre, and move it aside: the next start remembers anew",
  });
}
