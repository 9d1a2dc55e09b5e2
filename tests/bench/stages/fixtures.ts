import type { DraftMessage } from "../../../src/workers/messages.ts";

/** The data of a read, as the guard makes it and `canonicalize` spells it: about 280 bytes. */
export function readData(number: number): string {
  const code = `SF1${String(number).padStart(12, "0")}`;
  return `{"carriers":["sf"],"clock":{"boot":"206beeee","monotonicMs":${2_675 + number}.815,"synced":false},"code":"${code}","codeClass":"waybill","device":"scanner-1","firstReadAt":"2026-11-23T19:02:45.996Z","medium":"barcode","passId":"206beeee-${number}","readPoint":"tunnel-1"}`;
}

export function aDraft(number: number): DraftMessage {
  return { kind: "read", subject: "tunnel-1", at: 1_795_758_139_000 + number, data: readData(number) };
}

/** Bytes of one event on disk and on the wire. */
export const eventBytes = 860;

/** Processor microseconds and events per second of `work`, which does `count` of something. */
export async function timed(count: number, work: () => void | Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (count * 1_000) / (performance.now() - startedAt), cpuMicros: (user + system) / count };
}

export interface Cost {
  readonly perSecond: number;
  readonly cpuMicros: number;
}
