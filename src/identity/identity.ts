import {
  constants,
  createPrivateKey,
  generateKeyPair,
  hash,
  type KeyObject,
  sign,
  type X509Certificate,
} from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../lib/clock.ts";
import { SortgateError, systemCode } from "../model/error.ts";
import type { Tell } from "../model/notice.ts";
import type { EpochMs } from "../model/units.ts";
import { applicationUri, privatePem, requestCertificate, type Subject, selfSign } from "./certificate.ts";
import { readChain, requireFit, requireName, requireOrder, requireValid } from "./chain.ts";
import { type DaysFinding, daysOf, judgeDays } from "./days.ts";
import {
  certificateName,
  folderOf,
  isMade,
  keyName,
  newIdentityHint,
  readPrivate,
  requirePrivateFolder,
  writeFolder,
  writePrivate,
} from "./files.ts";

/** Who this gateway is: one RSA key and the certificates over it, for endorsements, TLS and OPC UA. */
export interface Identity {
  /** DER: the device's own first, then those that lead to its authority. */
  readonly certificateChain: readonly Buffer[];
  /** PEM file of that chain. */
  readonly certificatePath: string;
  /** PEM file of the key (PKCS #8). */
  readonly keyPath: string;
  /** PS256. */
  sign(bytes: Uint8Array): Buffer;
  /** When the device's certificate begins to hold. */
  readonly notBefore: EpochMs;
  /** When the device's certificate ends. */
  readonly notAfter: EpochMs;
  /** Whether no authority stands behind it. */
  readonly isSelfSigned: boolean;
  /** SHA-256 of the device's certificate, hex pairs with colons. */
  readonly fingerprint: string;
  /** Of the device's certificate, on one line. */
  readonly subject: string;
  /** The URI in the certificate by which OPC UA servers know this gateway. */
  readonly applicationUri: string;
}

export interface IdentitySettings extends Subject {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Told once, when a new identity was made. */
  readonly tell?: Tell;
}

/**
 * Loads the device's identity, or makes one on the first start.
 *
 * Gives:   what lies in `{dataDir}/identity/` (0700, files 0600).
 * Cost:    a few ms; the first start about a second, for an RSA-3072 key.
 * Fails:   rejects with `identity/*` if what is there cannot be used. It never replaces what is there: a new key would
 *          make a new device. An expired certificate is loaded all the same; its partners judge that.
 */
export async function openIdentity(settings: IdentitySettings): Promise<Identity> {
  const folder = folderOf(settings.dataDir);
  if (await isMade(folder)) return loadIdentity(folder, settings);
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 3_072 });
  const certificate = await selfSign(privateKey, settings, settings.clock.wallMs());
  await writeFolder(folder, { [keyName]: privatePem(privateKey), [certificateName]: certificate });
  const identity = await loadIdentity(folder, settings);
  settings.tell?.({
    name: "identity/made",
    level: "info",
    message: `Made a device key and a self-signed certificate in ${folder}; to put your authority behind it, run: sortgate keys csr`,
    fields: { fingerprint: identity.fingerprint },
  });
  return identity;
}

async function loadIdentity(folder: string, subject: Subject): Promise<Identity> {
  await requirePrivateFolder(folder);
  const certificatePath = join(folder, certificateName);
  const keyPath = join(folder, keyName);
  const key = await readKey(keyPath);
  const chain = readChain(await readPrivate(certificatePath), certificatePath);
  requireFit(chain, key, certificatePath);
  requireName(chain[0], subject, certificatePath);
  return {
    certificateChain: chain.map(({ raw }) => raw),
    certificatePath,
    keyPath,
    sign: (bytes) => sign("sha256", bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
    ...daysOf(chain[0]),
    fingerprint: chain[0].fingerprint256,
    subject: subjectLine(chain[0]),
    applicationUri: applicationUri(subject),
  };
}

/**
 * Looks at the identity as a start would, and changes nothing.
 *
 * Gives:   what is to be said of it; nothing where there is none yet, for the first start makes one.
 * Fails:   never; what this user may not look at is a warning.
 */
export async function inspectIdentity(
  dataDir: string,
  subject: Subject,
  nowMs: EpochMs,
): Promise<Omit<DaysFinding, "state">[]> {
  const folder = folderOf(dataDir);
  try {
    if (!(await isMade(folder))) return [];
    const days = judgeDays(await loadIdentity(folder, subject), nowMs);
    return days === undefined ? [] : [days];
  } catch (error) {
    return [findingOf(error, folder)];
  }
}

function findingOf(error: unknown, folder: string): Omit<DaysFinding, "state"> {
  const code = systemCode((error as { cause?: unknown }).cause) || systemCode(error);
  if (error instanceof SortgateError && code !== "EACCES")
    return { level: "problem", sentence: error.message, hint: error.hint };
  return {
    level: "warning",
    sentence: `whether the device key and its certificate in ${folder} are sound cannot be told by this user`,
    hint: "run this command as the user that runs sortgate, or with sudo",
  };
}

async function readKey(path: string): Promise<KeyObject> {
  const text = await readPrivate(path);
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(text);
  } catch {
    // The library's own error may quote what it could not read, and this is a key: so it is not kept as the cause.
  }
  const bits = key?.asymmetricKeyType === "rsa" ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  if (key !== undefined && bits >= 2_048) return key;
  throw new SortgateError(
    "identity/unreadable",
    `${path} is not an RSA key of 2,048 bits or more without a passphrase`,
    {
      hint: `put it back from a backup; or ${newIdentityHint(dirname(path))}`,
      context: { path },
    },
  );
}

function subjectLine(certificate: X509Certificate): string {
  return certificate.subject.replaceAll("\n", ", ");
}

/** A request for a certificate over the device key (PKCS #10, PEM). Makes the identity if there is none. */
export async function requestForAuthority(settings: IdentitySettings): Promise<string> {
  const { keyPath } = await openIdentity(settings);
  return requestCertificate(await readKey(keyPath), settings);
}

/** What was put in place. */
export interface Imported {
  readonly identity: Identity;
  /** Where the certificates lie that were in use before; absent if there were none. */
  readonly keptAs: string | undefined;
  /** Whether the certificate names this gateway. If not, a verifier that trusts only the authority cannot tell whose it is. */
  readonly isNamed: boolean;
  /** False: it lay there already, and nothing was changed. */
  readonly isNew: boolean;
}

/**
 * Puts certificates over the device key in place, and keeps the old ones aside.
 *
 * Takes:   PEM: the device's certificate, then those above it.
 * Fails:   rejects with `identity/certificate` if they do not fit the key, each other, the gateway or the day; then
 *          nothing has changed.
 */
export async function importCertificates(settings: IdentitySettings, pem: string, path: string): Promise<Imported> {
  const folder = folderOf(settings.dataDir);
  if (!(await isMade(folder))) {
    throw new SortgateError("identity/unreadable", `There is no device key in ${folder} yet`, {
      hint: "make it and a request over it with: sortgate keys csr",
    });
  }
  await requirePrivateFolder(folder);
  const key = await readKey(join(folder, keyName));
  const chain = readChain(pem, path);
  requireFit(chain, key, path);
  requireOrder(chain, path);
  requireValid(chain, settings.clock.wallMs(), path);
  const isNamed = requireName(chain[0], settings, path);
  const certificatePath = join(folder, certificateName);
  const text = chain.map((certificate) => certificate.toString()).join("");
  const old = existsSync(certificatePath) ? await readPrivate(certificatePath) : undefined;
  const isNew = old === undefined || withoutSpace(old) !== withoutSpace(text);
  const keptAs = isNew && old !== undefined ? await keepAside(folder, old) : undefined;
  if (isNew) await writePrivate(certificatePath, text);
  return { identity: await loadIdentity(folder, settings), keptAs, isNamed, isNew };
}

const withoutSpace = (pem: string): string => pem.replace(/\s/g, "");

/** Copies the certificates in use to a name of their own. */
async function keepAside(folder: string, old: string): Promise<string> {
  const keptAs = join(folder, `device-${hash("sha256", old).slice(0, 8)}.crt`);
  await writePrivate(keptAs, old);
  return keptAs;
}
