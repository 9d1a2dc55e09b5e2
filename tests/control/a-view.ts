import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Control, createControlClient, openControl, type Status } from "../../src/control/index.ts";
import type { GatewayView } from "../../src/control/port.ts";
import { type ControlSettings, controlSettings } from "../../src/control/settings.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import type { Notice } from "../../src/model/notice.ts";

export function aStatus(over: Partial<Status> = {}): Status {
  return {
    gateway: {
      site: "HZ01",
      id: "line-3",
      software: "0.1.0",
      boot: "9f0c3a1e",
      startedAt: "2026-11-23T03:00:00.000Z",
      upMs: 61_000,
      ready: true,
      clockSynced: true,
      rssBytes: 80_000_000,
      configDigest: "",
    },
    chain: {
      chain: "6f1c2a9be04d",
      sequence: 12,
      kid: "kid-of-the-epoch-key",
      keySince: "2026-11-23T03:00:00.000Z",
      certificate: {
        subject: "CN=line-3",
        fingerprint: "AB:CD",
        notAfter: "2036-11-23T03:00:00.000Z",
        file: "/var/lib/sortgate/identity/device.crt",
        onDisk: { subject: "CN=line-3", fingerprint: "AB:CD", notAfter: "2036-11-23T03:00:00.000Z" },
      },
    },
    queue: {
      first: 1,
      last: 12,
      fileBytes: 40_960,
      walBytes: 8_192,
      usedBytes: 36_864,
      bytesMax: 2_000_000_000,
      hoursUntilFull: null,
      whenFull: "drop-oldest",
      lostCount: 2,
      liveCount: 12,
      destroyedCount: {},
      uncommittedCount: 0,
      droppedCount: 1,
    },
    devices: [aDevice()],
    readPoints: [
      {
        name: "tunnel-1",
        readCount: 100,
        openedCount: 40,
        suppressedCount: 58,
        refusedCount: { "too-weak": 2 },
        pendingCount: 0,
        noReadCount: 3,
        evictedCount: 0,
        liveCount: 1,
      },
    ],
    labels: [],
    sealing: "off",
    brokers: [aBroker()],
    ...over,
  };
}

export function aDevice(over: Partial<Status["devices"][number]> = {}): Status["devices"][number] {
  return {
    name: "scanner-1",
    readPoint: "tunnel-1",
    driver: "serial",
    state: "up",
    forMs: 60_000,
    problem: "",
    readCount: 100,
    noReadCount: 3,
    malformedCount: 1,
    discardedByteCount: 7,
    readsPerSecond: 2.5,
    quietMs: 400,
    ...over,
  };
}

export function aBroker(over: Partial<Status["brokers"][number]> = {}): Status["brokers"][number] {
  return {
    name: "central",
    url: "mqtts://broker.example:8883",
    hoursUntilDrained: 0,
    state: "up",
    forMs: 59_000,
    problem: "",
    protocol: 5,
    queuedCount: 0,
    inFlightCount: 0,
    acknowledgedCount: 12,
    deliveredTo: 12,
    refusedCount: 0,
    deliveredCount: 12,
    lostCount: {},
    salvagedCount: 0,
    oldestQueuedMs: 0,
    ...over,
  };
}

/** A waybill that no output but an export may hold. */
export const waybill = "SF1385628716739";

export function anEvent(sequence: number, data: Record<string, unknown> = {}): SealedEvent {
  const event = {
    data: { code: waybill, codeClass: "waybill", device: "scanner-1", readPoint: "tunnel-1", ...data },
    id: `line-3/6f1c2a9be04d/${sequence}`,
    previous: "A".repeat(43),
    sequence: String(sequence),
    signature: "eyJhbGciOiJFZDI1NTE5In0..c2lnbmF0dXJl",
    subject: "tunnel-1",
    time: "2026-11-23T03:10:11.123Z",
    type: "org.sortgate.read.v1",
  };
  return { sequence, kind: "read", subject: "tunnel-1", bytes: Buffer.from(JSON.stringify(event)) };
}

/** A view whose parts a test may replace, and what was asked of it. */
export interface TestView {
  now: Status;
  audits: { action: string; detail: Readonly<Record<string, unknown>> }[];
  alarms: Readonly<Record<string, unknown>>[];
  eventCalls: { from: number; to: number; bytesMax: number }[];
  listeners: Set<(event: SealedEvent) => void>;
  emit(event: SealedEvent): void;
  status: GatewayView["status"];
  events: GatewayView["events"];
  refused: GatewayView["refused"];
  watch: GatewayView["watch"];
  replay: GatewayView["replay"];
  rotateKey: GatewayView["rotateKey"];
  erase: GatewayView["erase"];
  audit: GatewayView["audit"];
  alarm: GatewayView["alarm"];
}

const twelve = (): readonly SealedEvent[] => Array.from({ length: 12 }, (_, index) => anEvent(index + 1));

/** A gateway that holds its events in memory. */
export function aView(events: readonly SealedEvent[] = twelve()): TestView {
  const listeners = new Set<(event: SealedEvent) => void>();
  const [first, last] = [events[0]?.sequence ?? 1, events.at(-1)?.sequence ?? 0];
  const view: TestView = {
    now: aStatus({
      queue: { ...aStatus().queue, first, last, liveCount: events.length, destroyedCount: { retention: first - 1 } },
    }),
    audits: [],
    alarms: [],
    eventCalls: [],
    listeners,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
    status: async () => view.now,
    refused: async () => ({}),
    events: async (from, to, bytesMax) => {
      view.eventCalls.push({ from, to, bytesMax });
      const found: SealedEvent[] = [];
      let size = 0;
      for (const event of events) {
        if (event.sequence < from || event.sequence > to) continue;
        if (found.length > 0 && size + event.bytes.length > bytesMax) break;
        found.push(event);
        size += event.bytes.length;
      }
      return found;
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    replay: async (_broker, from, to) => ({ count: to - from + 1 }),
    erase: async () => ({
      count: 2,
      salvagedCount: 0,
      to: 12,
      unreadableCount: 0,
      files: [],
      isOverwritten: true,
    }),
    rotateKey: async () => ({ kid: "new-kid", sequence: 13 }),
    audit: (action, detail) => void view.audits.push({ action, detail }),
    alarm: (alarm, detail) => void view.alarms.push({ alarm, ...detail }),
  };
  return view;
}

/** An open control socket in a folder of its own. */
export async function aControl(view: GatewayView = aView(), over: Partial<ControlSettings> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-control-"));
  const socket = join(folder, "control.sock");
  const told: Notice[] = [];
  const settings = { ...controlSettings.parse({ socket }), ...over };
  let control: Control | undefined;
  try {
    control = await openControl({
      settings,
      view,
      tell: (notice) => void told.push(notice),
      noticeCounts: () => new Map([["device/up", 3]]),
    });
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  const opened = control;
  return {
    folder,
    socket: settings.socket,
    told,
    client: createControlClient(settings.socket),
    async close() {
      await opened.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
