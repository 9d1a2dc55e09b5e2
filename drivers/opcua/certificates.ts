import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { readSmallFile } from "../../src/lib/small-file.ts";
import { SortgateError } from "../../src/model/error.ts";

/**
 * Opens the store of certificates: our own, those we trust, and those we refused.
 *
 * Takes:   `stateDir`; the store is its folder `pki`. The first call draws an RSA key, which takes about 0.1 s.
 * Fails:   with `device/misconfigured` if the folder cannot be written.
 */
export async function openStore(stateDir: string): Promise<OPCUACertificateManager> {
  const rootFolder = join(stateDir, "pki");
  const store = new OPCUACertificateManager({
    rootFolder,
    automaticallyAcceptUnknownCertificate: false,
    // Each connection reads the folders anew, so watching them would only cost handles.
    disableFileWatchers: true,
  });
  try {
    await store.initialize();
  } catch (cause) {
    throw new SortgateError("device/misconfigured", `Cannot use the certificate folder ${rootFolder}`, {
      hint: "Check that the folder may be read and written by the user that runs sortgate",
      cause,
    });
  }
  return store;
}

/** Puts the certificate of a file (PEM or DER) among those that are trusted. */
export async function trustFile(store: OPCUACertificateManager, path: string): Promise<void> {
  let bytes: Buffer;
  try {
    bytes = await readSmallFile(path);
  } catch (cause) {
    throw new SortgateError("device/misconfigured", `Cannot read server_cert_file ${path}`, {
      hint: "Check the path, and that the user that runs sortgate may read the file",
      cause,
    });
  }
  let certificate: Buffer;
  try {
    certificate = new X509Certificate(bytes).raw;
  } catch (cause) {
    throw new SortgateError("device/misconfigured", `There is no certificate in server_cert_file ${path}`, {
      hint: "Export the server's certificate as PEM or DER and name that file",
      cause,
    });
  }
  await store.trustCertificate(certificate);
}

/** Verdicts that say nothing against a certificate that a technician trusted by hand. */
const verdictsOfChain = [
  "BadCertificateChainIncomplete",
  "BadCertificateRevocationUnknown",
  "BadCertificateIssuerRevocationUnknown",
];

/**
 * Refuses a server whose certificate is not trusted; the certificate is kept among the refused ones.
 *
 * Fails:   with `device/refused`, saying where the certificate lies and what to do.
 */
export async function checkServer(store: OPCUACertificateManager, chain: Buffer, endpoint: string): Promise<void> {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(chain);
  } catch (cause) {
    throw new SortgateError("device/refused", `The server at ${endpoint} offers security without a valid certificate`, {
      hint: "Give the server a certificate, or set security to a mode that it offers",
      cause,
    });
  }
  const verdict = await store.verifyCertificate(chain, { acceptCertificateWithValidIssuerChain: true });
  if (verdict === "Good") return;
  if (verdictsOfChain.includes(verdict) && (await store.isCertificateTrusted(leaf.raw)) === "Good") return;
  if (verdict === "BadCertificateTimeInvalid") throw outdated(leaf, endpoint);
  await store.rejectCertificate(leaf.raw);
  throw new SortgateError(
    "device/refused",
    `The certificate of the server at ${endpoint} is not trusted (${verdict}); it was put into ${store.rejectedFolder}`,
    {
      hint:
        `Compare its SHA-256 fingerprint ${leaf.fingerprint256} with the one that the server shows; if they are the ` +
        `same, copy the file from there to a place of its own and set server_cert_file to that, or move it to ` +
        store.trustedFolder,
      context: { folder: store.rejectedFolder, fingerprint: leaf.fingerprint256 },
    },
  );
}

const outdated = (leaf: X509Certificate, endpoint: string): SortgateError =>
  new SortgateError(
    "device/refused",
    `The certificate of the server at ${endpoint} is valid from ${leaf.validFrom} to ${leaf.validTo}, not now`,
    { hint: "Check the date of this box with: date; if it is right, renew the certificate of the server" },
  );
