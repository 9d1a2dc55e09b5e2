import {
  type ClientMonitoredItem,
  type ClientSubscription,
  DataChangeNotification,
  type DataValue,
  EventNotificationList,
  type MonitoringParametersOptions,
  type NotificationMessage,
  promoteOpaqueStructureInNotificationData,
  type ReadValueIdOptions,
  StatusChangeNotification,
  TimestampsToReturn,
  type Variant,
} from "node-opcua-client";
import type { DriverContext } from "../../src/driver/port.ts";
import { SortgateError } from "../../src/model/error.ts";
import { within } from "./deadline.ts";
import type { Connection } from "./session.ts";
import type { OpcuaSettings } from "./settings.ts";

/** A server without news says so this often. */
const keepAliveMs = 2_000;
/** A server that hears nothing from us drops the subscription after this long. */
const lifetimeMs = 60_000;
/** Missing signs of life until the subscription counts as dead. */
const silentKeepAlives = 3;
/** What one request of the set-up may take; small readers describe their types slowly. */
export const setUpMs = 20_000;

/** What a subscription brings, item by item, in the order of the server. */
export interface Receiver {
  event?(fields: readonly Variant[]): void;
  change?(value: DataValue): void;
}

export interface Watch {
  /** Adds the one item of this subscription. */
  monitor(item: ReadValueIdOptions, parameters: MonitoringParametersOptions): Promise<ClientMonitoredItem>;
}

/** The error of a server that takes too long over something. */
export const slow = (what: string, settings: OpcuaSettings): SortgateError =>
  new SortgateError("device/silent", `The server at ${settings.endpoint} took too long over ${what}`, {
    hint: "Check the load of the device and the network; sortgate tries again by itself",
  });

/**
 * Opens a subscription and hands its notifications to `receiver` until the connection ends.
 *
 * The session ends as `silent` if the server sends neither news nor a sign of life for three of its keep-alive periods.
 */
export async function subscribe(
  connection: Connection,
  settings: OpcuaSettings,
  context: DriverContext,
  receiver: Receiver,
): Promise<Watch> {
  const publishingMs = settings.publishing_interval_ms;
  const subscription = await within(
    connection.session.createSubscription2({
      requestedPublishingInterval: publishingMs,
      requestedMaxKeepAliveCount: Math.max(1, Math.ceil(keepAliveMs / publishingMs)),
      requestedLifetimeCount: Math.max(30, Math.ceil(lifetimeMs / publishingMs)),
      publishingEnabled: true,
    }),
    setUpMs,
    context.signal,
    () => slow("a subscription", settings),
  );
  const alive = watchSilence(connection, subscription);
  receive(connection, subscription, receiver, alive);
  subscription.on("terminated", () => connection.end("closed", "The server ended the subscription"));
  subscription.on("error", () => connection.end("error", "The subscription failed"));
  subscription.on("internal_error", () => connection.end("error", "The subscription failed"));
  return {
    async monitor(item, parameters) {
      const work = subscription.monitor(item, parameters, TimestampsToReturn.Both);
      return await within(work, setUpMs, context.signal, () => slow("a monitored item", settings));
    },
  };
}

function watchSilence(connection: Connection, subscription: ClientSubscription): () => void {
  const windowMs = silentKeepAlives * subscription.publishingInterval * subscription.maxKeepAliveCount;
  const timer = setTimeout(() => {
    connection.end("silent", `The server sent neither news nor a sign of life for ${Math.round(windowMs / 1_000)} s`);
  }, windowMs);
  void connection.ended.then(() => clearTimeout(timer));
  return () => {
    if (connection.isOpen()) timer.refresh();
  };
}

/*
 * Notifications are taken before the library spreads them to its items: there, one for an item that it does not know
 * (a faulty server, or a close at the wrong moment) is a rejection that nobody can catch, and it would stop the daemon.
 */
function receive(
  connection: Connection,
  subscription: ClientSubscription,
  receiver: Receiver,
  alive: () => void,
): void {
  let last: Promise<void> = Promise.resolve();
  subscription.on("raw_notification", (message: NotificationMessage) => {
    alive();
    const news = message.notificationData ?? [];
    message.notificationData = [];
    if (news.length === 0) return;
    last = last
      .then(() => promoteOpaqueStructureInNotificationData(connection.session, news.filter(Boolean) as never))
      .then(() => deliver(connection, receiver, news))
      .catch(() => connection.end("error", "The server sent a notification that cannot be read"));
  });
}

function deliver(connection: Connection, receiver: Receiver, news: readonly unknown[]): void {
  for (const notification of news) {
    if (!connection.isOpen()) return;
    if (notification instanceof EventNotificationList)
      for (const event of notification.events ?? []) receiver.event?.(event.eventFields ?? []);
    else if (notification instanceof DataChangeNotification)
      for (const change of notification.monitoredItems ?? []) receiver.change?.(change.value);
    else if (notification instanceof StatusChangeNotification)
      connection.end("closed", `The server ended the subscription (${notification.status.name})`);
  }
}
