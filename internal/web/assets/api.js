// What the page asks the service, and how it hears of events.

export class Failure extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let offset = 0; // the service's clock less ours, in ms

// serverNow is the time by the service's clock.
export const serverNow = () => Date.now() + offset;

async function ask(path, options = {}) {
  const began = Date.now();
  const response = await fetch(path, { cache: "no-store", ...options });
  const date = Date.parse(response.headers.get("Date"));
  if (date) {
    const seen = date + 500 - (began + Date.now()) / 2; // the header has whole seconds
    if (Math.abs(seen - offset) > 2000) offset = Math.abs(seen) > 2000 ? seen : 0;
  }
  if (response.ok) return response;
  let detail = response.statusText;
  try { detail = (await response.json()).detail; } catch { /* it is no problem document */ }
  throw new Failure(response.status, detail);
}

export const get = async path => (await ask(path)).json();

export const logIn = token => ask("/login", { method: "POST", body: JSON.stringify({ token }), headers: { "Content-Type": "application/json" } });
export const logOut = () => ask("/login", { method: "DELETE" });

export const reportPath = (id, format) => `/v1/meetings/${encodeURIComponent(id)}/report?format=${format}`;

// listen hears events until it is closed. On the way back from a lost connection the browser asks for what it missed; where
// it gives up, we begin anew and say that what is shown has to be read again.
export function listen({ event, state }) {
  let source, timer, pause = 1000, closed = false, opened = false;
  const open = () => {
    source = new EventSource("/v1/events");
    source.onopen = () => {
      pause = 1000;
      state("live", opened);
      opened = true;
    };
    source.onmessage = message => event(JSON.parse(message.data));
    source.onerror = () => {
      if (closed) return;
      state("lost");
      if (source.readyState === EventSource.CLOSED) again();
    };
  };
  const again = () => {
    source.close();
    clearTimeout(timer);
    timer = setTimeout(open, pause);
    pause = Math.min(2 * pause, 15000);
  };
  const online = () => { if (source.readyState !== EventSource.OPEN) { pause = 0; again(); pause = 1000; } };
  const offline = () => state("lost");
  addEventListener("online", online);
  addEventListener("offline", offline);
  open();
  return () => {
    closed = true;
    clearTimeout(timer);
    source.close();
    removeEventListener("online", online);
    removeEventListener("offline", offline);
  };
}
