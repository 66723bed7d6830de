// How the page hears of events.

const silence = 40000; // ms without a word, not even the heartbeat of every 15 s, after which a connection is dead
const longest = 15000; // ms between two attempts to connect, at most

// listen hears events until it is closed. A connection that is lost is made again, and goes on after the last event that
// came: none is missed. A page that nobody sees holds no connection, as browsers allow only a few.
//   event(e)      for each event
//   state(name)   "live" and "lost"
//   failed(error) when the service refuses
export function listen({ event, state, failed }) {
  let closed = false, attempt, wake = () => {}, last = "", pause = 1000;

  const hear = async () => {
    attempt = new AbortController();
    const dead = deadline(silence, attempt);
    try {
      const response = await fetch("v1/events", { cache: "no-store", signal: attempt.signal, headers: last ? { "Last-Event-ID": last } : {} });
      if (!response.ok) throw Object.assign(new Error(response.statusText), { status: response.status });
      pause = 1000;
      state("live");
      await read(response.body, dead.renew, (id, name, data) => {
        if (name === "message" && data) event(JSON.parse(data));
        last = id;
      });
    } finally {
      dead.stop();
      attempt.abort();
    }
  };

  const run = async () => {
    while (!closed) {
      try {
        await hear();
      } catch (error) {
        if (!closed && error.status) failed(error);
      }
      if (closed) return;
      if (!document.hidden) state("lost");
      await new Promise(done => {
        wake = done;
        if (!document.hidden) setTimeout(done, pause * (0.75 + Math.random() / 2));
      });
      pause = Math.min(2 * pause, longest);
    }
  };

  const seen = () => { if (document.hidden) attempt?.abort(); else wake(); };
  const gone = () => attempt?.abort();
  const back = () => { pause = 1000; wake(); };
  document.addEventListener("visibilitychange", seen);
  addEventListener("offline", gone);
  addEventListener("online", back);
  run();
  return () => {
    closed = true;
    attempt?.abort();
    wake();
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("offline", gone);
    removeEventListener("online", back);
  };
}

// deadline aborts unless it is renewed in time.
function deadline(ms, controller) {
  let timer;
  const stop = () => clearTimeout(timer);
  const renew = () => {
    stop();
    timer = setTimeout(() => controller.abort(), ms);
  };
  renew();
  return { renew, stop };
}

// read reads server-sent events, as the HTML standard has them, until the stream ends.
async function read(body, alive, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", id = "", name = "message", data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
      if (line === "") {
        if (id) take(id, name, data.join("\n"));
        name = "message";
        data = [];
      } else if (field === "id") id = text;
      else if (field === "event") name = text;
      else if (field === "data") data.push(text);
    }
  }
}
