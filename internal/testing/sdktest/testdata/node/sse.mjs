// Listens to server-sent events with a client of others: sse.mjs PACKAGE URL. Prints a line for every block that the
// client hands on, the last one's data and all, until it is killed.
const [, , name, url] = process.argv;

const say = (event, id, data) => console.log(JSON.stringify({ event, id, data }));

if (name === "eventsource") {
  const { EventSource } = await import("eventsource");
  const source = new EventSource(url);
  for (const event of ["message", "position"]) source.addEventListener(event, e => say(event, e.lastEventId, e.data));
} else {
  const { createEventSource } = await import("eventsource-client");
  createEventSource({ url, onMessage: ({ event = "message", id, data }) => say(event, id, data) });
}
