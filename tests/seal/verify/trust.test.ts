import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Identity, importCertificates, requestForAuthority } from "../../../src/identity/index.ts";
import { createSystemClock } from "../../../src/lib/clock.ts";
import type { Finding } from "../../../src/seal/index.ts";
import { aChain, aDevice, aLine, changed, judge, place } from "../builders.ts";

const folder = mkdtempSync(join(tmpdir(), "sortgate-ca-"));
const dataDir = mkdtempSync(join(tmpdir(), "sortgate-data-"));
const settings = { dataDir, gateway: place.gateway, site: place.site, clock: createSystemClock() };

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}

function certificateIn(name: string): X509Certificate {
  return new X509Certificate(readFileSync(join(folder, name)));
}

/** A certificate over the gateway's key by an authority of the site. */
function issue(
  name: string,
  options: { subject?: string; extensions?: string; days?: string; by?: string } = {},
): string {
  const { subject = "/CN=line-1", extensions = "basicConstraints=CA:FALSE", days = "400", by = "sub" } = options;
  writeFileSync(join(folder, "ext"), extensions);
  openssl("req", "-new", "-key", keyPath(), "-subj", subject, "-out", "own.csr");
  const issuer = ["-CA", `${by}.crt`, "-CAkey", `${by}.key`, "-CAcreateserial"];
  openssl("x509", "-req", "-in", "own.csr", ...issuer, "-days", days, "-extfile", "ext", "-out", name);
  return readFileSync(join(folder, name), "latin1");
}

function keyPath(): string {
  return join(dataDir, "identity", "device.key");
}

let self: Identity;
/** The same device with certificates by the site's authority: own, then the subordinate authority's. */
let issued: Identity;

beforeAll(async () => {
  self = await aDevice();
  for (const name of ["root", "stranger"]) {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
      "-subj",
      `/CN=${name}`,
    );
  }
  openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "sub.key", "-out", "sub.csr", "-subj", "/CN=sub");
  writeFileSync(join(folder, "ca.ext"), "basicConstraints=critical,CA:TRUE");
  const byRoot = ["-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial", "-days", "800"];
  openssl("x509", "-req", "-in", "sub.csr", ...byRoot, "-extfile", "ca.ext", "-out", "sub.crt");
  writeFileSync(join(folder, "asked.csr"), await requestForAuthority(settings));
  const bySub = ["-CA", "sub.crt", "-CAkey", "sub.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", "400"];
  openssl("x509", "-req", "-in", "asked.csr", ...bySub, "-out", "own.crt");
  const pem = readFileSync(join(folder, "own.crt"), "latin1") + readFileSync(join(folder, "sub.crt"), "latin1");
  issued = (await importCertificates(settings, pem, "own.crt")).identity;
});

/** The device under another certificate over its key. */
function under(...names: string[]): Parameters<typeof aChain>[0] {
  return { certificateChain: names.map((name) => certificateIn(name).raw), sign: issued.sign };
}

/** A chain whose clock says today, because certificates of today stand behind it. */
function judgeToday(device: Parameters<typeof aChain>[0], trust: X509Certificate[] | undefined, where = place) {
  const line = aLine(device, where, undefined, Date.now());
  return judge([line.startEpoch(), line.add("read", {})], { trust }).chains[0];
}

function reasonOf(chain: { readonly findings: readonly Finding[] } | undefined): string | undefined {
  const [finding] = chain?.findings ?? [];
  return finding?.kind === "endorsement" ? finding.reason : undefined;
}

describe("trust", () => {
  test("in the device's own certificate makes its chain authentic, whatever the dates", () => {
    const lines = aChain(self, 3);
    const trust = [new X509Certificate(readFileSync(self.certificatePath))];
    expect(judge(lines, { trust }).chains[0]).toMatchObject({ trust: "authentic", certificate: "O=HZ01, CN=line-1" });
  });

  test("in nobody leaves a chain consistent, and in somebody else makes it broken", () => {
    expect(judgeToday(self, undefined)).toMatchObject({ verdict: "whole", trust: "consistent" });
    const chain = judgeToday(self, [certificateIn("stranger.crt")]);
    expect(chain).toMatchObject({ verdict: "broken", trust: "unproven" });
    expect(reasonOf(chain)).toBe("untrusted");
    expect(reasonOf(judgeToday(self, []))).toBe("untrusted");
  });

  test("in the authority, at the root or below it, makes the device's chain authentic", () => {
    expect(judgeToday(issued, [certificateIn("root.crt")])).toMatchObject({ verdict: "whole", trust: "authentic" });
    expect(judgeToday(issued, [certificateIn("sub.crt")])).toMatchObject({ verdict: "whole", trust: "authentic" });
    expect(judgeToday(under("own.crt", "sub.crt", "root.crt"), [certificateIn("root.crt")])?.trust).toBe("authentic");
  });

  test("does not pass over a certificate that is left out, or not an issuer", () => {
    expect(reasonOf(judgeToday(under("own.crt"), [certificateIn("root.crt")]))).toBe("untrusted");
    expect(reasonOf(judgeToday(under("own.crt", "stranger.crt"), [certificateIn("stranger.crt")]))).toBe("untrusted");
  });

  test("in a device does not make it an authority", () => {
    issue("leaf.crt", { subject: "/CN=leaf", extensions: "basicConstraints=CA:FALSE" });
    writeFileSync(join(folder, "leaf.key"), readFileSync(keyPath()));
    issue("below.crt", { by: "leaf" });
    expect(reasonOf(judgeToday(under("below.crt"), [certificateIn("leaf.crt")]))).toBe("untrusted");
  });

  test("in the authority does not let one gateway speak for another", () => {
    const other = { ...place, gateway: "line-2" };
    expect(reasonOf(judgeToday(issued, [certificateIn("root.crt")], other))).toBe("other-gateway");
    issue("laptop.crt", { subject: "/CN=laptop" });
    expect(reasonOf(judgeToday(under("laptop.crt", "sub.crt"), [certificateIn("root.crt")]))).toBe("other-gateway");
    issue("named.crt", { subject: "/CN=line-1" });
    expect(judgeToday(under("named.crt", "sub.crt"), [certificateIn("root.crt")])?.trust).toBe("authentic");
  });

  test("ends with the certificate", () => {
    const began = Date.parse(certificateIn("own.crt").validFrom);
    const tooEarly = aLine(issued, place, undefined, began - 5_000);
    const early = judge([tooEarly.startEpoch()], { trust: [certificateIn("root.crt")] }).chains[0];
    expect(reasonOf(early)).toBe("not-valid-then");
    const tooLate = aLine(issued, place, undefined, began + 401 * 86_400_000);
    expect(reasonOf(judge([tooLate.startEpoch()], { trust: [certificateIn("root.crt")] }).chains[0])).toBe(
      "not-valid-then",
    );
  });
});

describe("an endorsement", () => {
  test("holds for its own chain, gateway, site, sequence and key only", () => {
    const line = aLine(self);
    const epoch = JSON.parse(line.startEpoch()) as { data: { endorsement: string } };
    const elsewhere = [
      { ...place, chain: "ffffffffffff" },
      { ...place, gateway: "line-2" },
      { ...place, site: "HZ02" },
    ].map((where) => ({ where, endorsement: epoch.data.endorsement }));
    for (const { where, endorsement } of elsewhere) {
      const other = aLine(self, where);
      const stolen = other.startEpochWith({ endorsement });
      expect(reasonOf(judge([stolen]).chains[0]), JSON.stringify(where)).toBe("statement");
    }
    const later = line.startEpochWith({ endorsement: epoch.data.endorsement });
    expect(judge([changed(JSON.stringify(epoch), {}), later]).chains[0]?.findings).toEqual([
      { kind: "endorsement", sequence: 2, line: 2, reason: "statement" },
    ]);
  });

  test.each([
    ["absent", undefined],
    ["absent", 7],
    ["malformed", "a.b"],
    ["malformed", "..."],
    ["algorithm", `${Buffer.from('{"alg":"none","x5c":[]}').toString("base64url")}..`],
    ["malformed", `${Buffer.from('{"alg":"PS256","x5c":["AAAA"]}').toString("base64url")}..`],
  ])("is %s if it is %s", (reason, endorsement) => {
    const line = aLine(self);
    expect(reasonOf(judge([line.startEpochWith({ endorsement })]).chains[0])).toBe(reason);
  });

  test("is refused if the device did not sign it", () => {
    const forged = { ...self, sign: (bytes: Uint8Array) => issued.sign(bytes) };
    expect(reasonOf(judge([aLine(forged).startEpoch()]).chains[0])).toBe("signature");
  });
});
