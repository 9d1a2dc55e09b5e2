export { judgeOrders, orderKeyOf } from "./judge.ts";
export { readOrderText } from "./order.ts";
export { type Orders, ordersOf } from "./orders.ts";
