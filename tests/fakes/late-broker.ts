import { openSubscriber, type Subscriber } from "./gateway.ts";
import { openDoor, openMosquitto } from "./mosquitto.ts";

/** A broker that comes up at a port where none was; `cleanups` gets what ends it. Gives a subscriber that was there first. */
export async function openLateBroker(port: number, cleanups: (() => unknown)[]): Promise<Subscriber> {
  const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
  const subscriber = await openSubscriber(`mqtt://127.0.0.1:${broker.port}`);
  const door = await openDoor(port, broker.port);
  cleanups.push(
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => door.close(),
  );
  return subscriber;
}
