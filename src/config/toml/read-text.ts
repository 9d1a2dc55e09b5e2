import { open, stat } from "node:fs/promises";
import { systemCode } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import type { Finding } from "../words/problem.ts";

export type ReadText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: "config/invalid" | "config/unreadable"; readonly finding: Finding };

function unreadable(sentence: string, hint: string): ReadText {
  return { ok: false, code: "config/unreadable", finding: { key: "", sentence, hint } };
}

function invalid(sentence: string, hint: string, line?: number): ReadText {
  const at = line === undefined ? undefined : { line, column: 1 };
  return { ok: false, code: "config/invalid", finding: { at, key: "", sentence, hint } };
}

function explainSystemError(path: string, error: unknown): ReadText {
  const code = systemCode(error);
  if (code === "ENOENT" || code === "ENOTDIR")
    return unreadable(
      "there is no such file",
      `make one with: sortgate init ${path}, or name another with --config FILE`,
    );
  if (code === "EACCES" || code === "EPERM")
    return unreadable("this user may not read the file", "run the command with sudo, or as the user sortgate");
  return unreadable(
    `the file cannot be read (${code === "" ? "unknown reason" : code})`,
    "check the disk and the path",
  );
}

/** At most one byte more than is allowed, so that a file that grows meanwhile cannot fill the memory. */
async function readBytes(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(limits.configBytesMax + 1);
    let byteCount = 0;
    while (byteCount < buffer.length) {
      const { bytesRead } = await file.read(buffer, byteCount, buffer.length - byteCount, null);
      if (bytesRead === 0) break;
      byteCount += bytesRead;
    }
    return buffer.subarray(0, byteCount);
  } finally {
    await file.close();
  }
}

function lineAt(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = bytes.indexOf(10); at !== -1 && at < offset; at = bytes.indexOf(10, at + 1)) line += 1;
  return line;
}

/** The first line that is not UTF-8. A line break is never part of a longer character, so lines can be tried alone. */
function brokenLine(bytes: Buffer): number {
  let start = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf(10, start);
    const part = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (!Buffer.from(part.toString("utf8")).equals(part) || end === -1) return line;
    start = end + 1;
  }
}

/** Bytes as text: UTF-8, with or without a byte order mark, and neither empty nor binary. */
export function decodeText(path: string, bytes: Buffer): ReadText {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return invalid("the file is UTF-16, not UTF-8", "save it as UTF-8");
  const nul = bytes.indexOf(0);
  if (nul !== -1)
    return invalid("there is a NUL byte, so this is not a text file", "copy the file again", lineAt(bytes, nul));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return invalid("the line is not UTF-8", "save the file as UTF-8", brokenLine(bytes));
  }
  if (text.trim() === "") return invalid("the file is empty", `write a new one with: sortgate init ${path} --force`);
  return { ok: true, text };
}

/**
 * Reads the config file.
 *
 * Fails:  never; what is wrong with the file is a finding.
 */
export async function readText(path: string): Promise<ReadText> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory())
      return unreadable("this is a directory, not a file", "name the file inside it with --config");
    // Opening a pipe would wait for its other end, a device node might never end.
    if (!facts.isFile()) return unreadable("this is not a regular file", "name a regular file with --config");
    const bytes = await readBytes(path);
    if (bytes.length > limits.configBytesMax)
      return unreadable(
        `the file is larger than ${limits.configBytesMax} bytes, so it is no config file`,
        "check the path given with --config",
      );
    return decodeText(path, bytes);
  } catch (error) {
    return explainSystemError(path, error);
  }
}
