import type { ServerResponse } from "node:http";
import { limits } from "../../model/limits.ts";
import type { Tell } from "../../model/notice.ts";
import { type Metrics, metricsContentType } from "../metrics.ts";
import type { Status } from "../status.ts";
import { within } from "./deadline.ts";
import { problemBody, sendJson, sendText } from "./reply.ts";

/** What the pages for machines are made of. */
export interface HealthSource {
  status(): Promise<Status>;
  notices(): ReadonlyMap<string, number>;
  readonly metrics: Metrics;
  readonly tell: Tell;
}

/** The pages that the http address serves; they hold no parcel data. */
export const healthPaths: readonly string[] = ["/metrics", "/healthz", "/readyz"];

/** Answers one of `healthPaths`. Never fails: that the status cannot be had is an answer. */
export async function answerHealth(source: HealthSource, path: string, response: ServerResponse): Promise<void> {
  let status: Status;
  try {
    status = await within(
      path === "/metrics" ? limits.controlAnswerMs : limits.healthDeadlineMs,
      "its status",
      source.status(),
    );
  } catch (error) {
    sendJson(response, 503, problemBody(error));
    return;
  }
  if (path === "/metrics")
    sendText(response, 200, metricsContentType, await source.metrics.render(status, source.notices()));
  else if (path === "/healthz") sendJson(response, 200, { healthy: true });
  else sendJson(response, status.gateway.ready ? 200 : 503, { ready: status.gateway.ready });
}
