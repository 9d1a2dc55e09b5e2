import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { publicKeyCount } from "../../lib/public-keys.ts";
import { withoutMark } from "../../lib/small-file.ts";
import { isTerminal } from "../../lib/terminal.ts";
import { validityOf } from "../../lib/validity.ts";
import { systemCode } from "../../model/error.ts";
import { type KeyPath, pathText, placeAt, tablesOf, textAt } from "../toml/locate.ts";
import type { TomlTable } from "../toml/parse-toml.ts";
import type { Finding } from "../words/problem.ts";
import { shownText } from "../words/shown.ts";

/** Certificates, keys and passwords are a few thousand bytes; bundles of all public authorities a few hundred thousand. */
const fileBytesMax = 4_194_304;

type Kind = "authorities" | "certificate" | "key" | "password" | "receiver";

const kinds: Readonly<Record<string, Kind>> = {
  ca_file: "authorities",
  cert_file: "certificate",
  server_cert_file: "certificate",
  key_file: "key",
  seal_key_file: "receiver",
  password_file: "password",
};

export interface FileFindings {
  readonly problems: Finding[];
  readonly warnings: Finding[];
}

interface Verdict {
  readonly level: "problem" | "warning";
  readonly sentence: string;
  readonly hint: string;
}

function problem(sentence: string, hint: string): Verdict {
  return { level: "problem", sentence, hint };
}

function warning(sentence: string, hint: string): Verdict {
  return { level: "warning", sentence, hint };
}

/** The certificates of a PEM file one by one, or the one of a DER file. */
function certificatesIn(bytes: Buffer): X509Certificate[] {
  const blocks = bytes.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (blocks ?? [bytes]).map((block) => new X509Certificate(block));
}

function judgeCertificates(bytes: Buffer, kind: Kind, nowMs: number): Verdict[] {
  let certificates: X509Certificate[];
  try {
    certificates = certificatesIn(bytes);
  } catch {
    return [problem("the file holds no certificate that can be read", "put a certificate in PEM form there")];
  }
  // Of a chain the first is ours; of authorities it is enough if one is still good.
  const judged = kind === "authorities" ? certificates : certificates.slice(0, 1);
  const ends = judged.map((certificate) => Date.parse(certificate.validTo));
  const endMs = Math.max(...ends);
  const endText = new Date(endMs).toISOString().slice(0, 10);
  const startMs = Math.min(...judged.map((certificate) => Date.parse(certificate.validFrom)));
  const validity = validityOf(startMs, endMs, nowMs);
  if (validity === "ended")
    return [problem(`the certificate expired on ${endText}`, "get a new certificate from the site's CA")];
  if (validity === "early") {
    const sentence = `the certificate is not valid before ${new Date(startMs).toISOString().slice(0, 10)}`;
    // A broker is tried again and again; what cannot be sealed now is lost.
    return kind === "receiver"
      ? [problem(`${sentence}, and nothing is sealed until then`, "check the clock of this machine with: timedatectl")]
      : [warning(sentence, "check the clock of this machine with: timedatectl")];
  }
  if (validity === "ending")
    return [warning(`the certificate expires on ${endText}`, "get a new certificate from the site's CA soon")];
  if (ends.some((end) => end <= nowMs))
    return [warning("some certificates in the file have expired", "remove the expired ones")];
  return [];
}

function judgeKey(bytes: Buffer): Verdict[] {
  try {
    createPrivateKey(bytes);
    return [];
  } catch {
    return [
      problem("the file holds no private key that can be read without a password", "put an unencrypted PEM key there"),
    ];
  }
}

/** What is sealed to it nobody can open on this box: so the private half must not lie here. */
function judgeReceiver(bytes: Buffer, nowMs: number, isGm: boolean): Verdict[] {
  const isCertificate = bytes.includes("-----BEGIN CERTIFICATE-----");
  const verdicts = isCertificate ? judgeCertificates(bytes, "receiver", nowMs) : [];
  if (verdicts.some(({ level }) => level === "problem")) return verdicts;
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(bytes.toString("latin1")))
    return [
      problem(
        "the file holds a private key; allowed: the public one alone",
        "keep the private key at the centre, and put here what openssl pkey -in KEY -pubout writes",
      ),
    ];
  let key: KeyObject;
  let count: number;
  try {
    key = createPublicKey(bytes);
    count = publicKeyCount(bytes);
  } catch {
    return [problem("the file holds no public key that can be read", "put the centre's public key in PEM form there")];
  }
  if (count > 1)
    return [
      problem(
        `the file holds ${count} different public keys; allowed: one`,
        "leave in it the one that the centre uses: sortgate check then tells its fingerprint",
      ),
    ];
  return [...verdicts, ...judgeReceivingKey(key, isGm)];
}

function judgeReceivingKey(key: KeyObject, isGm: boolean): Verdict[] {
  if (isGm) return judgeSm2(key);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (key.export({ type: "spki", format: "der" }).includes(sm2Curve))
    return [
      problem(
        'the file holds an SM2 key; allowed: one of RSA, P-256 or X25519, unless crypto is "gm"',
        'write crypto = "gm"',
      ),
    ];
  const isStrong = type === "rsa" && (details?.modulusLength ?? 0) >= 2_048;
  if (isStrong || type === "x25519" || (type === "ec" && details?.namedCurve === "prime256v1")) return [];
  return [
    problem(
      "the file holds a key that nothing can be sealed to; allowed: RSA of 2,048 bits or more, P-256, X25519",
      "have the centre make one: docs/privacy.md shows how (RSA of 3,072 bits)",
    ),
  ];
}

/** The object identifier of the SM2 curve in DER: Node has no name for such keys. */
const sm2Curve = Buffer.from("06082a811ccf5501822d", "hex");

function judgeSm2(key: KeyObject): Verdict[] {
  const der = key.export({ type: "spki", format: "der" });
  // 65 bytes of an uncompressed point at its end; libraries read no other.
  if (der.includes(sm2Curve) && der.at(-65) === 4 && der.length === 91) return [];
  return [
    problem(
      'the file holds a key of another kind; allowed: an SM2 key, for crypto is "gm"',
      "have the centre make one: docs/privacy.md shows how (SM2)",
    ),
  ];
}

function judgePassword(bytes: Buffer): Verdict[] {
  const lines = bytes
    .toString("utf8")
    .replace(/\r?\n$/, "")
    .split("\n");
  if (lines[0] === "")
    return [problem("the first line of the file is empty", "write the password into that file, as one line")];
  if (/\p{Cc}/u.test(lines[0]!.replace(/\r$/, "")))
    return [
      problem("the password holds a control character", "write the password into that file as text, as one line"),
    ];
  return lines.length > 1 ? [warning("the file has more than one line", "keep the password on one line alone")] : [];
}

function judgeContent(bytes: Buffer, kind: Kind, nowMs: number, isGm: boolean): Verdict[] {
  if (kind === "key") return judgeKey(bytes);
  if (kind === "receiver") return judgeReceiver(bytes, nowMs, isGm);
  return kind === "password" ? judgePassword(bytes) : judgeCertificates(bytes, kind, nowMs);
}

type NamedFile = { readonly bytes: Buffer; readonly mode: number } | { readonly verdict: Verdict };

async function readNamed(path: string, shown: string): Promise<NamedFile> {
  try {
    const facts = await stat(path);
    if (!facts.isFile())
      return { verdict: problem(`found ${shown}, which is not a regular file`, "name the file itself") };
    if (facts.size > fileBytesMax)
      return { verdict: problem(`found ${shown}, which is far too large`, "check the path") };
    const file = await open(path, "r");
    try {
      return { bytes: withoutMark(await file.readFile()), mode: facts.mode };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      return { verdict: problem(`found ${shown}, but there is no such file`, "check the path, or put the file there") };
    if (code === "EACCES" || code === "EPERM") {
      const hint = "let the user that runs sortgate read it, or run this command as that user";
      return { verdict: problem(`found ${shown}, which this user may not read`, hint) };
    }
    return { verdict: problem(`found ${shown}, which cannot be read (${code})`, "check the disk and the path") };
  }
}

async function judgeFile(path: string, key: string, nowMs: number, isGm: boolean): Promise<Verdict[]> {
  const kind = kinds[key] ?? "certificate";
  // A password may stand here by mistake, so the path of its file is not told; the line is.
  const shown = kind === "password" ? "a path" : shownText(path);
  const file = await readNamed(path, shown);
  if ("verdict" in file) return [file.verdict];
  const isOpen = (kind === "key" || kind === "password") && (file.mode & 0o004) !== 0;
  const open = isOpen ? [warning("everybody on this machine can read the file", "run chmod 600 on it")] : [];
  return [...open, ...judgeContent(file.bytes, kind, nowMs, isGm)];
}

/** Whether key and certificate of a broker belong together; what cannot be read is told elsewhere. */
async function judgePair(certPath: string | undefined, keyPath: string | undefined): Promise<Verdict[]> {
  if (certPath === undefined || keyPath === undefined) return [];
  const [cert, key] = await Promise.all([readNamed(certPath, ""), readNamed(keyPath, "")]);
  if ("verdict" in cert || "verdict" in key) return [];
  try {
    if (certificatesIn(cert.bytes)[0]?.checkPrivateKey(createPrivateKey(key.bytes)) !== false) return [];
  } catch {
    return [];
  }
  return [
    problem(
      "this key does not belong to the certificate in cert_file",
      "name the key that the certificate was made for",
    ),
  ];
}

/** Whether a serial port is there. It is not opened, and a scanner may well be plugged in later. */
async function judgePort(path: string): Promise<Verdict[]> {
  const found = await isTerminal(path).catch((error: unknown) => systemCode(error));
  if (found === false)
    return [warning(`found ${shownText(path)}, which is not a serial port`, "sortgate devices lists the ports")];
  if (found !== "ENOENT" && found !== "ENOTDIR") return [];
  return [
    warning(
      `found ${shownText(path)}, which is not there now; it may be plugged in later`,
      "plug the scanner in, or take the path of a port that sortgate devices lists",
    ),
  ];
}

/** Whether data_dir can be a directory: it may well be missing before the first start. */
export async function checkDataDir(root: TomlTable, dataDir: string): Promise<Finding[]> {
  const facts = await stat(dataDir).catch((error: unknown) => systemCode(error));
  const isInTheWay = typeof facts === "string" ? facts === "ENOTDIR" : !facts.isDirectory();
  if (!isInTheWay) return [];
  const path = ["gateway", "data_dir"];
  const what = facts === "ENOTDIR" ? "which lies below a file" : "which is a file";
  return [
    {
      at: placeAt(root, path),
      key: pathText(root, path),
      sentence: `found ${shownText(dataDir)}, ${what}, not a directory; allowed: a directory, or nothing yet`,
      hint: 'name a directory of its own for this gateway, for example data_dir = "/var/lib/sortgate"',
    },
  ];
}

/**
 * Looks at the files that the configuration names (there, readable, of the right kind, not expired) and at its serial ports.
 *
 * Takes:  the tree after expansion, so that paths are complete.
 */
export async function checkNamedFiles(
  root: TomlTable,
  refused: ReadonlySet<unknown>,
  nowMs: number,
): Promise<FileFindings> {
  const findings: FileFindings = { problems: [], warnings: [] };
  const tell = (path: KeyPath, verdicts: readonly Verdict[]): void => {
    for (const { level, sentence, hint } of verdicts)
      (level === "problem" ? findings.problems : findings.warnings).push({
        at: placeAt(root, path),
        key: pathText(root, path),
        sentence,
        hint,
      });
  };
  const isGm = textAt(root, ["guard", "crypto"]) === "gm";
  const guard = root.entries.get("guard")?.node;
  const sections = guard?.kind === "table" ? [{ path: ["guard"], table: guard }] : [];
  for (const { path, table } of [...tablesOf(root, "broker"), ...tablesOf(root, "device"), ...sections]) {
    for (const key of Object.keys(kinds)) {
      const file = textAt(table, [key]);
      if (file === undefined || file === "" || refused.has(table.entries.get(key)?.node)) continue;
      tell([...path, key], await judgeFile(file, key, nowMs, isGm));
    }
    tell([...path, "key_file"], await judgePair(textAt(table, ["cert_file"]), textAt(table, ["key_file"])));
  }
  for (const { path, table } of tablesOf(root, "device")) {
    const node = textAt(table, ["driver"]) === "serial" ? textAt(table, ["path"]) : undefined;
    if (node?.startsWith("/dev/") !== true) continue;
    tell([...path, "path"], await judgePort(node));
  }
  return findings;
}
