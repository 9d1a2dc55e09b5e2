import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Looks for personal data that stood on labels in what the gateway made of it. */
export interface SecretSearch {
  /** Takes note of texts that must be found nowhere. */
  plant(secrets: readonly string[]): void;
  /** Whether any of them is in these bytes. */
  isIn(bytes: Uint8Array): boolean;
  /** The files below a directory that hold one of the latest of them. */
  filesWith(directory: string): Promise<readonly string[]>;
  plantedCount(): number;
  foundCount(): number;
}

/** Searching a file costs a pass over it for each text, so only so many of the latest are looked for there. */
const inFilesMax = 60;

/** Makes a search that looks for each text as UTF-8 and as what becomes of it when its bytes are taken for characters. */
export function createSecretSearch(): SecretSearch {
  const needles = new Map<string, readonly Buffer[]>();
  let foundCount = 0;
  const holds = (haystack: Buffer, all: readonly (readonly Buffer[])[]): boolean =>
    all.some((forms) => forms.some((form) => haystack.includes(form)));
  return {
    plant(secrets) {
      for (const secret of secrets) {
        const bytes = Buffer.from(secret, "utf8");
        const twice = Buffer.from(bytes.toString("latin1"), "utf8");
        needles.delete(secret);
        needles.set(secret, bytes.equals(twice) ? [bytes] : [bytes, twice]);
      }
    },
    isIn(bytes) {
      const found = holds(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), [...needles.values()]);
      if (found) foundCount += 1;
      return found;
    },
    async filesWith(directory) {
      const latest = [...needles.values()].slice(-inFilesMax);
      const found: string[] = [];
      for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        if (holds(await readFile(path), latest)) found.push(path);
      }
      return found;
    },
    plantedCount: () => needles.size,
    foundCount: () => foundCount,
  };
}
