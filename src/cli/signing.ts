import { type SignedKind, signAsCentre } from "../guard/policy/index.ts";
import { readSmallFile } from "../lib/small-file.ts";
import { SortgateError, systemCode } from "../model/error.ts";

/** Reads a file that was named on the command line. Fails: config/unreadable. */
export async function readNamed(path: string): Promise<Buffer> {
  try {
    return await readSmallFile(path);
  } catch (cause) {
    throw new SortgateError("config/unreadable", `Cannot read ${path} (${systemCode(cause) || "unknown reason"})`, {
      hint: `ls -l ${path}`,
      cause,
    });
  }
}

/** The same as text; a byte order mark, as some editors write it, is left out. Fails: config/unreadable. */
export async function readNamedText(path: string): Promise<string> {
  return new TextDecoder().decode(await readNamed(path));
}

/** Signs with the centre's private key of a file. Gives a compact JWS. Fails: config/*. */
export async function signWith(keyPath: string, kind: SignedKind, payload: unknown): Promise<string> {
  const key = await readNamed(keyPath);
  const signed = await signAsCentre(kind, Buffer.from(JSON.stringify(payload)), key).catch((cause: unknown) => {
    throw wrongKey(
      `${keyPath} holds no private key that can be read without a password`,
      "openssl pkey -in KEY -noout -text shows what it is; openssl pkey -in KEY -out ANOTHER takes a password off",
      cause,
    );
  });
  if (signed !== undefined) return signed;
  throw wrongKey(
    `${keyPath} holds a key that the centre does not sign with`,
    "make one under another name: openssl genpkey -algorithm Ed25519 -out ANOTHER.key",
  );
}

function wrongKey(sentence: string, hint: string, cause?: unknown): SortgateError {
  return new SortgateError("config/invalid", sentence, { hint, cause });
}
