import { execFile } from "node:child_process";
import type { Tell } from "../model/notice.ts";
import type { DurationMs } from "../model/units.ts";

/** What systemd is told of this service. Does nothing where systemd did not start it. */
export interface Systemd {
  /** Resolves once the message is out or has failed; never rejects. */
  ready(): Promise<void>;
  /** Resolves once the message is out or has failed; never rejects. */
  stopping(): Promise<void>;
  /** Says that the service lives. Call it whenever that was proven: messages go out no oftener than needed. */
  watchdog(): void;
  /** Call `watchdog` at least this often; absent if systemd does not watch this process. */
  readonly watchdogMs: DurationMs | undefined;
}

/**
 * A ledger of gigabytes that was broken off is read as a whole before it is trusted, and a flash card takes minutes for
 * that: systemd is asked for more time again and again, but not for ever.
 */
const startAskMs = 10_000;
const startGrantMs = 60_000;
const startMsMax = 1_200_000;

/** One message takes 5 ms; `systemd-notify` itself waits up to 5 s until systemd has taken it. */
const notifyTimeoutMs = 8_000;

function watchdogPeriod(environment: NodeJS.ProcessEnv): DurationMs | undefined {
  const microseconds = Number(environment.WATCHDOG_USEC);
  const pid = environment.WATCHDOG_PID;
  if (!Number.isFinite(microseconds) || microseconds <= 0) return undefined;
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  // A third, because a message of a process that is gone already may be dropped (systemd#2737).
  return microseconds / 1_000 / 3;
}

/**
 * Makes the voice towards systemd, and asks it for patience until `ready` or `stopping` is called.
 *
 * Node has no datagram socket of the Unix kind, so each message is a run of `systemd-notify`; the unit needs
 * `NotifyAccess=all` for that.
 *
 * Fails:  never; the first failed message is told as `gateway/warning`.
 */
export function createSystemd({
  tell,
  environment = process.env,
  command = "systemd-notify",
  askMs = startAskMs,
}: {
  readonly tell: Tell;
  readonly environment?: NodeJS.ProcessEnv;
  readonly command?: string;
  /** How often it is asked for patience. */
  readonly askMs?: DurationMs;
}): Systemd {
  const present = (environment.NOTIFY_SOCKET ?? "") !== "";
  const watchdogMs = present ? watchdogPeriod(environment) : undefined;
  const createdMs = performance.now();
  let failed = false;
  let lastBeatMs = Number.NEGATIVE_INFINITY;

  const notify = (...states: string[]): Promise<void> =>
    new Promise((resolve) => {
      if (!present) return resolve();
      execFile(command, states, { env: environment, timeout: notifyTimeoutMs }, (error) => {
        if (error !== null && !failed) {
          failed = true;
          tell({
            name: "gateway/warning",
            level: "warn",
            message:
              "systemd could not be told how this service does and may stop it; check that systemd-notify is installed and that the unit has NotifyAccess=all",
            fields: { state: states[0] ?? "", reason: String(error.code ?? error.signal ?? "unknown") },
          });
        }
        resolve();
      });
    });

  const asking = setInterval(() => {
    if (performance.now() - createdMs > startMsMax) clearInterval(asking);
    else void notify(`EXTEND_TIMEOUT_USEC=${startGrantMs * 1_000}`);
  }, askMs).unref();
  const last = (state: string): Promise<void> => {
    clearInterval(asking);
    return notify(state);
  };

  return {
    watchdogMs,
    ready: () => last("READY=1"),
    stopping: () => last("STOPPING=1"),
    watchdog() {
      if (watchdogMs === undefined) return;
      const nowMs = performance.now();
      // Half a period of slack: a caller whose timer fires a little early must not lose a whole period.
      if (nowMs - lastBeatMs < watchdogMs / 2) return;
      lastBeatMs = nowMs;
      void notify("WATCHDOG=1");
    },
  };
}
