import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { opcuaDriver } from "../../drivers/opcua/driver.ts";
import { openVirtualPlc, type VirtualPlc } from "../../simulator/virtual-plc.ts";
import { openIdentity } from "../../src/identity/index.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import { aDevice, aFolder, aRecorder, aWire } from "../fakes/opcua.ts";

const folder = aFolder();
const login = { username: "sortgate", password: "right horse" };
let plc: VirtualPlc;
let passwordFile: string;

beforeAll(async () => {
  plc = await openVirtualPlc({ port: 0, stateDir: folder.path, security: "sign-and-encrypt", login });
  passwordFile = join(folder.path, "password");
  writeFileSync(passwordFile, `${login.password}\n`, { mode: 0o600 });
}, 60_000);

afterAll(async () => {
  await plc.close();
  folder.remove();
}, 60_000);

const device = (keys: Readonly<Record<string, unknown>> = {}) =>
  aDevice({
    endpoint: plc.endpoint,
    security: "sign-and-encrypt",
    server_cert_file: plc.certificateFile,
    username: login.username,
    password_file: passwordFile,
    mode: "tags",
    tag: [{ code: plc.codeNode, sequence: plc.sequenceNode }],
    ...keys,
  });

/** Opens with a certificate folder of its own, so that no test trusts what another trusted. */
async function open(keys: Readonly<Record<string, unknown>>, own = aFolder()): Promise<void> {
  try {
    const session = await opcuaDriver.open(device(keys), aRecorder(own.path).context);
    await session.close();
  } finally {
    own.remove();
  }
}

describe("the opcua driver and who it talks to", () => {
  test("an encrypted session with a login opens", async () => {
    await expect(open({})).resolves.toBeUndefined();
  });

  test("an unknown server certificate is refused and kept, and then accepted once its file is named", async () => {
    const own = aFolder();
    try {
      const { context } = aRecorder(own.path);
      const refused = opcuaDriver.open(device({ server_cert_file: undefined }), context);
      const rejected = join(own.path, "pki", "rejected");
      await expect(refused).rejects.toMatchObject({
        code: "device/refused",
        message: expect.stringContaining(rejected),
        hint: expect.stringMatching(/server_cert_file/),
      });
      expect(readdirSync(rejected)).toHaveLength(1);
      const session = await opcuaDriver.open(device(), context);
      await session.close();
      const again = await opcuaDriver.open(device({ server_cert_file: undefined }), context);
      await again.close();
    } finally {
      own.remove();
    }
  });

  test("the gateway's own device certificate is what the server sees", async () => {
    const own = aFolder();
    try {
      const clock = createSystemClock();
      const identity = await openIdentity({ dataDir: own.path, gateway: "line-3", site: "HZ01", clock });
      const { certificatePath, keyPath } = identity;
      const { context } = aRecorder(own.path);
      const session = await opcuaDriver.open(device(), { ...context, ownCertificate: { certificatePath, keyPath } });
      expect(Buffer.from(plc.clientCertificate() ?? []).equals(identity.certificateChain[0]!)).toBe(true);
      await session.close();
    } finally {
      own.remove();
    }
  });

  test("a wrong password is refused with the user's name and never the password", async () => {
    const wrong = join(folder.path, "wrong");
    writeFileSync(wrong, "wrong horse\n");
    const error = await open({ password_file: wrong }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "device/refused", message: expect.stringContaining('"sortgate"') });
    expect(JSON.stringify(error) + String(error)).not.toContain("horse");
  });

  test("a login is asked for where the server wants one", async () => {
    await expect(open({ username: undefined, password_file: undefined })).rejects.toMatchObject({
      code: "device/misconfigured",
      hint: expect.stringMatching(/username/),
    });
  });

  test("a security mode that the server lacks is named beside those it has", async () => {
    await expect(open({ security: "none" })).rejects.toMatchObject({
      code: "device/misconfigured",
      hint: expect.stringContaining("sign-and-encrypt"),
    });
  });

  test.each([
    ["server_cert_file", "/nowhere/server.pem"],
    ["password_file", "/nowhere/password"],
  ])("a %s that cannot be read is named", async (key, path) => {
    await expect(open({ [key]: path })).rejects.toMatchObject({
      code: "device/misconfigured",
      message: expect.stringContaining(path),
    });
  });

  test("a server_cert_file without a certificate is named", async () => {
    await expect(open({ server_cert_file: passwordFile })).rejects.toMatchObject({ code: "device/misconfigured" });
  });
});

describe("the opcua driver and servers that are none", () => {
  test("an endpoint at which nobody listens is unreachable", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    await expect(open({ endpoint: `opc.tcp://127.0.0.1:${port}` })).rejects.toMatchObject({
      code: "device/unreachable",
      message: expect.stringContaining("Nothing listens"),
    });
  });

  test("a server that accepts and says nothing is unreachable within the deadline", async () => {
    const wire = await aWire();
    const startedAt = performance.now();
    try {
      await expect(open({ endpoint: wire.endpoint })).rejects.toMatchObject({
        code: "device/unreachable",
        message: expect.stringContaining("does not answer"),
      });
      expect(performance.now() - startedAt).toBeLessThan(12_000);
    } finally {
      await wire.close();
    }
  });

  test("letting the device go stops an opening at once", async () => {
    const wire = await aWire();
    const own = aFolder();
    try {
      const recorder = aRecorder(own.path);
      const opening = opcuaDriver.open(device({ endpoint: wire.endpoint }), recorder.context);
      recorder.abort();
      await expect(opening).rejects.toMatchObject({ code: "device/closed" });
    } finally {
      await wire.close();
      own.remove();
    }
  });
});
