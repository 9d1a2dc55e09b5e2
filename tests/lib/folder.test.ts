import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolder, nearestFolder } from "../../src/lib/folder.ts";
import { systemCode } from "../../src/model/error.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-folder-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function codeOf(path: string): string {
  try {
    makeFolder(path, 0o700);
    return "made";
  } catch (error) {
    return systemCode(error);
  }
}

describe("a folder", () => {
  it("is made with those above it, for its owner alone, and left alone if it is there", () => {
    const path = join(dir, "a", "b", "c");
    expect(codeOf(path)).toBe("made");
    expect(statSync(path).mode & 0o777).toBe(0o700);
    chmodSync(path, 0o750);
    expect(codeOf(path)).toBe("made");
    expect(statSync(path).mode & 0o777).toBe(0o750);
  });

  it("that cannot be made is told with what the system said, at once", () => {
    const file = join(dir, "file");
    writeFileSync(file, "");
    expect(codeOf(join(file, "below"))).toBe("EEXIST");
    expect(codeOf(file)).toBe("EEXIST");
    // Node's own recursive mkdir never returns from these.
    expect(codeOf("/proc/no-such/folder")).toBe("ENOENT");
    expect(existsSync(join(dir, "below"))).toBe(false);
  });

  it("is found by the nearest one that is there", () => {
    expect(nearestFolder(join(dir, "a", "b"))).toBe(dir);
    expect(nearestFolder(dir)).toBe(dir);
    expect(nearestFolder("/no-such/folder")).toBe("/");
  });
});
