import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import forge from "node-forge";
import { expect, it } from "vitest";
import { openIdentity } from "../../src/identity/index.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import { askStatus, logLines, makeSite, runCommand, startDaemon } from "../fakes/gateway.ts";

/** Has an authority sign the certificate again, with another end. */
function issuedUntil(path: string, end: Date): void {
  const certificate = forge.pki.certificateFromPem(readFileSync(path, "latin1"));
  certificate.validity.notAfter = end;
  certificate.setIssuer([{ name: "commonName", value: "site" }]);
  certificate.sign(forge.pki.rsa.generateKeyPair(2_048).privateKey, forge.md.sha256.create());
  writeFileSync(path, forge.pki.certificateToPem(certificate));
}

it("a device certificate that has ended is told by log, status and check, and keeps nothing from starting", async () => {
  const site = makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest: '[[read_point]]\nname = "tunnel-1"' });
  try {
    const subject = { site: "HZ01", gateway: "line-3" };
    const { certificatePath } = await openIdentity({ ...subject, dataDir: site.dataDir, clock: createSystemClock() });
    issuedUntil(certificatePath, new Date(Date.now() - 1_000));
    const daemon = await startDaemon(site);
    try {
      const told = logLines(daemon).filter(({ level }) => level === "error");
      expect(told.map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/^The device certificate ended on .*keys csr/),
      ]);
      const { chain } = await askStatus(site);
      const days = { state: "ended", level: "problem", problem: expect.stringContaining("The device certificate") };
      expect(chain.certificate).toMatchObject({ days, onDisk: { days } });
      const checked = await runCommand(["check", "--config", join(site.dir, "sortgate.toml")]);
      expect([checked.code, checked.stdout]).toEqual([1, expect.stringContaining("The device certificate ended on")]);
    } finally {
      await daemon.end();
    }
  } finally {
    site.remove();
  }
}, 60_000);
