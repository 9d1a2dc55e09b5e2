import { bytesOf } from "../../src/lib/bytes.ts";
import type { Random } from "../belt/random.ts";
import { printWaybill } from "../belt/waybills.ts";
import type { DevicePlan, Plan } from "./plan.ts";
import type { Schedule } from "./schedule.ts";

/** A parcel in front of scanners, from when to when. */
export interface Parcel {
  readonly number: number;
  readonly point: string;
  /** As it is printed, and as an event names it. */
  readonly text: string;
  readonly code: string;
  readonly devices: readonly number[];
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Takes what scanners say over the wire that is open now, or over that `wire` if it still is.
 *
 * Gives:   the number of the wire; undefined: nobody listens, and what was said is gone.
 */
export type Listener = (device: number, bytes: Uint8Array, wire?: number) => number | undefined;

export interface Belt {
  readonly parcels: readonly Parcel[];
  /** Whether the wire to a device stands. */
  isConnected(device: number): boolean;
  /** Nothing more comes, and every wire stands. */
  heal(): void;
}

/** Parcels pass and scanners talk, whether anybody listens or not. */
export function startBelt(plan: Plan, schedule: Schedule, random: Random, say: Listener): Belt {
  const parcels: Parcel[] = [];
  const known: { text: string; code: string }[] = [];
  let isOver = false;
  const now = (): number => schedule.nowMs();

  const isConnected = (device: number): boolean =>
    isOver || !plan.devices[device]!.hangUps.some(({ fromMs, toMs }) => fromMs <= now() && now() < toMs);

  const freeAt = plan.devices.map(() => 0);
  const send = (device: number, text: string): void => {
    const bytes = bytesOf(text);
    // What arrives comes in pieces now and then.
    const cut = random.chance(0.1) ? random.between(1, bytes.length - 1) : bytes.length;
    const startAt = Math.max(now(), freeAt[device]!);
    const endAt = cut < bytes.length ? startAt + random.fraction() * 3 : startAt;
    freeAt[device] = endAt;
    let wire: number | undefined;
    schedule.at(startAt, () => {
      wire = say(device, bytes.subarray(0, cut));
    });
    if (cut === bytes.length) return;
    schedule.at(endAt, () => wire !== undefined && say(device, bytes.subarray(cut), wire));
  };

  function noise(device: number, { noise }: DevicePlan): void {
    if (noise === 0 || !random.chance(noise)) return;
    const texts = ["NoRead\r\n", "HEARTBEAT\r\n", "\r\n", "\u0001\u0002garbage\u0000\r\n", "?\r\n"];
    send(device, random.pick(texts));
  }

  function follow(parcel: Parcel, device: number, everyMs: number, atMs: number): void {
    schedule.at(atMs, () => {
      if (isOver || now() >= parcel.toMs) return;
      noise(device, plan.devices[device]!);
      send(device, `${parcel.text}\r\n`);
      follow(parcel, device, everyMs, now() + everyMs * (0.7 + 0.3 * random.fraction()));
    });
  }

  function enter(): void {
    const point = random.pick(plan.points);
    const here = plan.devices.flatMap(({ point: name }, index) => (name === point.name ? [index] : []));
    const isOld = known.length > 0 && random.chance(0.15);
    const waybill = isOld ? random.pick(known) : printWaybill(random);
    const text = "symbology" in waybill ? `${waybill.symbology}${waybill.text}` : waybill.text;
    const devices = random.chance(0.5) ? here : [random.pick(here)];
    const viewMs = random.pick([20, 300, 1_000, random.between(20, 6_000)]);
    const parcel: Parcel = {
      number: parcels.length,
      point: point.name,
      text,
      code: waybill.code,
      devices,
      fromMs: now(),
      toMs: now() + viewMs,
    };
    // A code comes round again: after it departed, most of the time, and sometimes too soon for that.
    if (!isOld) known.push({ text, code: waybill.code });
    parcels.push(parcel);
    for (const device of devices)
      follow(parcel, device, point.departMs * random.pick([0.2, 0.6]), now() + random.fraction() * 20);
  }

  const next = (): void => {
    if (isOver) return;
    enter();
    schedule.at(now() + plan.parcelEveryMs * 2 * random.fraction(), next);
  };
  schedule.at(random.between(0, 200), next);
  return {
    parcels,
    isConnected,
    heal() {
      isOver = true;
    },
  };
}
