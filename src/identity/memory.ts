import { join } from "node:path";
import { SortgateError, systemCode } from "../model/error.ts";
import { folderOf, isMade, readPrivate, writePrivate } from "./files.ts";

/** What the centre signed and this gateway took, so that nothing before it is taken again. */
export interface Memory<Taken> {
  readonly path: string;
  /** Undefined: there was none. Fails: identity/unreadable. */
  read(): Promise<Taken | undefined>;
  /** Replaces it as a whole, durably. False: there is no identity yet, whose folder it lies in. Fails: identity/unwritable. */
  write(taken: Taken): Promise<boolean>;
}

/** The newest signed policy that this gateway ever worked by. */
export interface UsedPolicy {
  readonly version: number;
  /** SHA-256 in hex of what was signed. */
  readonly sha256: string;
}

/** The last order of the centre that this gateway carried out. */
export interface DoneOrder {
  readonly order: number;
  /** SHA-256 in hex of the order as it came, signature included. */
  readonly sha256: string;
}

export function policyMemory(dataDir: string): Memory<UsedPolicy> {
  return memoryIn(dataDir, "policy.json", ({ version, sha256 }) =>
    isCount(version) && isSha256(sha256) ? { version, sha256 } : undefined,
  );
}

export function orderMemory(dataDir: string): Memory<DoneOrder> {
  return memoryIn(dataDir, "order.json", ({ order, sha256 }) =>
    isCount(order) && isSha256(sha256) ? { order, sha256 } : undefined,
  );
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isSha256 = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

type Members = Readonly<Record<string, unknown>>;

function memoryIn<Taken>(dataDir: string, name: string, take: (members: Members) => Taken | undefined): Memory<Taken> {
  const folder = folderOf(dataDir);
  const path = join(folder, name);
  return {
    path,
    async read() {
      const text = await readPrivate(path).catch((error: unknown) => {
        if (systemCode((error as { cause?: unknown }).cause) === "ENOENT") return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      const taken = take(membersOf(text));
      if (taken !== undefined) return taken;
      throw new SortgateError("identity/unreadable", `${path} is damaged`, {
        hint: "put it back from a backup; or tell the centre, and move it aside: the next start remembers anew",
      });
    },
    async write(taken) {
      if (!(await isMade(folder))) return false;
      await writePrivate(path, `${JSON.stringify(taken)}\n`);
      return true;
    },
  };
}

function membersOf(text: string): Members {
  try {
    return (JSON.parse(text) as Members | null) ?? {};
  } catch {
    // Told by whoever finds no member.
    return {};
  }
}
