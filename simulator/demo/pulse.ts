import type { GatewayStatus } from "./gateway-status.ts";

/** How the gateway and its broker connection are, from one status to the next. */
export interface Pulse {
  /** Takes a status, or that there was none. */
  beat(status: GatewayStatus | undefined, nowMs: number): void;
  /** Reads into the gateway, over the last two seconds. */
  readsPerSecond(): number;
  /** One line: devices, broker, and what is wrong with them. */
  state(): string;
}

const samplesMax = 10;

/** Whether a gateway has all that it needs: its devices and its brokers. */
export function isReady(status: GatewayStatus | undefined): boolean {
  if (status === undefined || !status.gateway.ready) return false;
  return [...status.devices, ...status.brokers].every(({ state }) => state === "up");
}

/** What a gateway still waits for, for a sentence. */
export function lacks(status: GatewayStatus | undefined): string {
  if (status === undefined) return "it does not answer on its control socket";
  const parts = [...status.devices, ...status.brokers].filter(({ state }) => state !== "up");
  return parts
    .map(({ name, state, problem }) => `${name} is ${state}${problem === "" ? "" : `: ${problem}`}`)
    .join("; ");
}

export function createPulse(): Pulse {
  const samples: { readonly atMs: number; readonly readCount: number }[] = [];
  let latest: GatewayStatus | undefined;
  return {
    beat(status, nowMs) {
      latest = status;
      if (status === undefined) return;
      samples.push({ atMs: nowMs, readCount: status.devices.reduce((sum, device) => sum + device.readCount, 0) });
      if (samples.length > samplesMax) samples.shift();
    },
    readsPerSecond() {
      const first = samples[0];
      const last = samples.at(-1);
      if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
      return Math.round(((last.readCount - first.readCount) * 1_000) / (last.atMs - first.atMs));
    },
    state() {
      if (latest === undefined) return "gateway: no answer";
      const upCount = latest.devices.filter(({ state }) => state === "up").length;
      const queuedCount = latest.brokers.reduce((sum, broker) => sum + broker.queuedCount, 0);
      const brokers = latest.brokers.every(({ state }) => state === "up") ? "up" : "down";
      const wrong = isReady(latest) ? "" : `   ${lacks(latest)}`;
      return `gateway up, ${upCount} of ${latest.devices.length} devices   broker ${brokers}, ${queuedCount} queued${wrong}`;
    },
  };
}
