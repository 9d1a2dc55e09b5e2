import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../src/identity/index.ts";
import type { Json } from "../../src/model/event.ts";
import { canonicalize, createEpochKey, createSealer } from "../../src/seal/index.ts";
import { aChain, aDevice, aLine, judge, place } from "./builders.ts";

let device: Identity;
beforeAll(async () => {
  device = await aDevice();
});

type Event = { [member: string]: Json };

describe("sealing", () => {
  test("gives the canonical form, linked and numbered without a gap", () => {
    let previous = "A".repeat(43);
    for (const [index, text] of aChain(device, 60).entries()) {
      const event = JSON.parse(text) as Event;
      expect(canonicalize(event)).toBe(text);
      expect(event).toMatchObject({
        specversion: "1.0",
        id: `line-1/0123456789ab/${index + 1}`,
        source: "/sites/HZ01/gateways/line-1",
        sequence: String(index + 1),
        datacontenttype: "application/json",
        previous,
      });
      previous = createHash("sha256").update(text).digest("base64url");
    }
  });

  test("leaves the subject out where there is none, and escapes it where there is one", () => {
    const line = aLine(device);
    line.startEpoch();
    expect(JSON.parse(line.add("audit", {}))).not.toHaveProperty("subject");
    expect(JSON.parse(line.add("device", {}, 'a"\u2028\u0000b'))).toHaveProperty("subject", 'a"\u2028\u0000b');
    expect(line.add("gap", {})).toContain('"type":"org.sortgate.gap.v1"');
  });

  test("goes on from a stored state, and goes back to an earlier one", () => {
    const first = aLine(device);
    const lines = [first.startEpoch(), first.add("read", { n: 1 })];
    const state = first.sealer.state();
    first.add("read", { n: "rolled back" });
    first.sealer.restore(state);
    lines.push(first.add("read", { n: 2 }));
    const second = aLine(device, place, createSealer({ ...place, state: first.sealer.state() }));
    lines.push(second.startEpoch(), second.check());
    const certificates = judge(lines).chains[0];
    expect(certificates).toMatchObject({ verdict: "whole", eventCount: 5, epochCount: 2, checkpointCount: 1 });
  });

  test("is refused without a key, and changes nothing when it fails", () => {
    const sealer = createSealer(place);
    const draft = { kind: "read" as const, subject: undefined, at: 0, data: "{}" };
    expect(() => sealer.seal(draft)).toThrow();
    sealer.useKey(createEpochKey());
    expect(() => sealer.seal({ ...draft, at: Number.NaN })).toThrow();
    expect(sealer.state().sequence).toBe(0);
    expect(sealer.seal(draft).sequence).toBe(1);
  });

  test("refuses a state whose Merkle log is of another size", () => {
    expect(() =>
      createSealer({ ...place, state: { sequence: 3, previous: "A".repeat(43), peaks: new Uint8Array(0) } }),
    ).toThrow();
  });

  test("signs so that openssl accepts it with the public key alone, and refuses another event", () => {
    const folder = mkdtempSync(join(tmpdir(), "sortgate-openssl-"));
    const [epoch, read] = aChain(device, 2).map((text) => JSON.parse(text) as Event) as [Event, Event];
    const { signature, ...members } = read;
    const [header, , signed] = String(signature).split(".");
    const { x } = (epoch.data as { key: { x: string } }).key;
    // SubjectPublicKeyInfo of Ed25519 is a constant in front of the key (RFC 8410 §4).
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(x, "base64url")]);
    writeFileSync(join(folder, "key.der"), spki);
    writeFileSync(join(folder, "signature"), Buffer.from(String(signed), "base64url"));
    const verify = (payload: string): string => {
      writeFileSync(join(folder, "input"), `${header}.${Buffer.from(payload).toString("base64url")}`);
      const files = ["-inkey", "key.der", "-keyform", "DER", "-sigfile", "signature", "-in", "input"];
      return execFileSync("openssl", ["pkeyutl", "-verify", "-rawin", "-pubin", ...files], {
        cwd: folder,
        stdio: "pipe",
        encoding: "utf8",
      });
    };
    expect(verify(canonicalize(members))).toContain("Verified Successfully");
    expect(() => verify(canonicalize({ ...members, time: "2026-11-23T00:00:02.000Z" }))).toThrow();
  });

  test("endorses a key so that openssl accepts it with the device's certificate", () => {
    const folder = mkdtempSync(join(tmpdir(), "sortgate-openssl-"));
    const epoch = JSON.parse(aChain(device, 1)[0] as string) as { data: { endorsement: string; key: Json } };
    const [header, payload, signature] = epoch.data.endorsement.split(".") as [string, string, string];
    expect(Buffer.from(payload, "base64url").toString()).toBe(
      canonicalize({ ...place, key: epoch.data.key, sequence: "1" }),
    );
    writeFileSync(join(folder, "input"), `${header}.${payload}`);
    writeFileSync(join(folder, "signature"), Buffer.from(signature, "base64url"));
    const key = execFileSync("openssl", ["x509", "-in", device.certificatePath, "-noout", "-pubkey"]);
    writeFileSync(join(folder, "key.pem"), key);
    const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
    const files = ["-sha256", "-verify", "key.pem", "-signature", "signature", ...pss, "input"];
    expect(execFileSync("openssl", ["dgst", ...files], { cwd: folder, encoding: "utf8" })).toContain("Verified OK");
    const { x5c } = JSON.parse(Buffer.from(header, "base64url").toString()) as { x5c: string[] };
    const pem = readFileSync(device.certificatePath, "latin1").replaceAll(/-----[^-]+-----|\s/g, "");
    expect(x5c).toEqual([pem]);
  });
});
