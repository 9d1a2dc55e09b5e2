import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { runHere } from "../cli/run-here.ts";
import { aConfig } from "../cli/with-daemon.ts";
import { aControl, aView } from "./a-view.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** An open control with a free http port, and how to ask it. */
async function opened(view = aView(), over: { http_allow_remote?: boolean; http?: string } = {}) {
  const control = await aControl(view, { http: "127.0.0.1:0", ...over });
  closers.push(() => control.close());
  const address = (): string | undefined =>
    control.told.flatMap(({ fields }) => (typeof fields?.address === "string" ? [fields.address] : []))[0];
  await expect.poll(address).toBeDefined();
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const asked = request(`http://${address()}${path}`, { method, headers, agent: false }, async (response) => {
        let text = "";
        for await (const part of response) text += part;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
      asked.on("error", reject);
      asked.end();
    });
  return { ...control, view, ask };
}

describe("the http address", () => {
  test("serves metrics and health, and nothing of what the socket serves", async () => {
    const { ask } = await opened();
    expect(await ask("/healthz")).toMatchObject({ status: 200, text: '{"healthy":true}\n' });
    expect(await ask("/readyz")).toMatchObject({ status: 200, text: '{"ready":true}\n' });
    const metrics = await ask("/metrics");
    expect(metrics.status).toBe(200);
    expect(metrics.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const path of [
      "/status",
      "/queue/events?reason=x",
      "/queue/peek",
      "/watch",
      "/keys",
      "/keys/rotate",
      "/",
      "/metrics/x",
    ])
      expect((await ask(path)).status, path).toBe(404);
    expect((await ask("/keys/rotate", {}, "POST")).status).toBe(404);
    expect((await ask("/metrics", {}, "POST")).status).toBe(405);
    expect(await ask("/healthz", {}, "HEAD")).toMatchObject({ status: 200, text: "" });
  });

  test("is ready only when the gateway is", async () => {
    const { ask, view } = await opened();
    view.now = { ...view.now, gateway: { ...view.now.gateway, ready: false } };
    expect(await ask("/readyz")).toMatchObject({ status: 503, text: '{"ready":false}\n' });
    expect((await ask("/healthz")).status).toBe(200);
  });

  test("is unhealthy when the status cannot be had within a second", async () => {
    const { ask, view } = await opened();
    view.status = () => new Promise(() => {});
    expect((await ask("/healthz")).status).toBe(503);
    expect((await ask("/readyz")).status).toBe(503);
  });

  test("answers only to names of this machine, so that no web page can read it through a name of its own", async () => {
    const { ask } = await opened();
    for (const host of ["localhost", "LOCALHOST:9477", "127.0.0.1", "127.8.8.8:1", "[::1]:9477"])
      expect((await ask("/metrics", { host })).status, host).toBe(200);
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.evil", "10.1.4.2"])
      expect((await ask("/metrics", { host })).status, host).toBe(403);
  });

  test("answers to any name once other machines are allowed", async () => {
    const { ask } = await opened(aView(), { http_allow_remote: true });
    expect((await ask("/metrics", { host: "line-3.hz01.example" })).status).toBe(200);
  });

  test("in use by somebody else is told with the port, and served once it is free", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo;
    const control = await aControl(aView(), { http: `127.0.0.1:${port}` });
    closers.push(() => control.close());
    const refused = () => control.told.filter(({ name }) => name === "control/refused");
    await expect.poll(refused).toHaveLength(1);
    expect(refused()[0]).toMatchObject({
      level: "warn",
      message: expect.stringMatching(new RegExp(`port ${port} is in use\\. Try: ss -ltnp`)),
      fields: { code: "control/unusable" },
    });
    expect(await control.client.get("/healthz")).toEqual({ healthy: true });
    expect(await control.client.get("/status")).toMatchObject({
      http: { problem: expect.stringContaining(`port ${port} is in use`), hint: expect.stringContaining("ss -ltnp") },
    });
    const config = aConfig(control.folder, "", control.socket);
    const { code, stdout } = await runHere("status", "--config", config);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`^Cannot serve .*: port ${port} is in use\n {2}Try: ss -ltnp .*; it is tried again by itself$`, "m"),
    );
    squatter.close();
    await expect
      .poll(() => control.told.map(({ fields }) => fields?.address), { timeout: 20_000 })
      .toContain(`127.0.0.1:${port}`);
    expect(refused()).toHaveLength(1);
    expect(await control.client.get("/status")).not.toHaveProperty("http");
    expect((await runHere("status", "--config", config)).code).toBe(0);
  });

  test("that this machine does not have is told, and the daemon stops in time all the same", async () => {
    const control = await aControl(aView(), { http: "192.0.2.1:9477" });
    await expect
      .poll(() => control.told)
      .toContainEqual(expect.objectContaining({ message: expect.stringContaining("no address 192.0.2.1") }));
    await control.close();
  });
});
