import { X509Certificate } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createVerifier } from "../../src/seal/index.ts";

/** What the product's own verifier says about everything that was received. */
export interface FinalVerdict {
  readonly isGood: boolean;
  /** For human eyes: `whole and authentic: 812 events, 1 epoch, 3 checkpoints`. */
  readonly sentence: string;
}

/**
 * Verifies a capture as `sortgate verify --trust` does, trusting the certificate that the gateway made for itself.
 *
 * Takes:  a file of events, one a line, and the gateway's data directory.
 */
export async function verifyCapture(capture: string, dataDir: string): Promise<FinalVerdict> {
  const trust = await certificatesIn(join(dataDir, "identity"));
  const verifier = createVerifier({ trust });
  let lineCount = 0;
  for await (const line of createInterface({ input: createReadStream(capture) })) {
    lineCount += 1;
    verifier.push(line, lineCount);
  }
  const { verdict, chains, malformedCount } = verifier.finish();
  const [chain] = chains;
  if (chain === undefined) return { isGood: false, sentence: "nothing to verify: no event was received" };
  const counts = [
    say(chain.eventCount, "event"),
    say(chain.epochCount, "epoch"),
    say(chain.checkpointCount, "checkpoint"),
  ].join(", ");
  const findings = chain.findings.map((finding) => `${finding.kind} ${"sequence" in finding ? finding.sequence : ""}`);
  const faults = [...findings, ...(malformedCount > 0 ? [`${malformedCount} lines are no events`] : [])];
  return {
    isGood: verdict === "whole" && chains.length === 1 && chain.trust === "authentic",
    sentence: `${verdict} and ${chain.trust}: ${counts}${faults.length === 0 ? "" : `; ${faults.slice(0, 5).join(", ")}`}`,
  };
}

function say(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The certificates (PEM) in a directory; other files in it are none of our business. */
async function certificatesIn(directory: string): Promise<X509Certificate[]> {
  const certificates: X509Certificate[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    const text = await readFile(join(directory, name), "latin1");
    if (text.includes("-----BEGIN CERTIFICATE-----")) certificates.push(new X509Certificate(text));
  }
  return certificates;
}
