// What the views share.
import { useEffect, useRef, useState } from "./preact.js";
import { serverNow } from "./api.js";

// useTick draws a view again and again, for what is told as "5 s ago".
export function useTick(ms) {
  const [, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) set(n => n + 1); }, ms);
    return () => clearInterval(timer);
  }, [ms]);
  return serverNow();
}

const least = 300; // ms between what happens and a reading, so that what happens at once is read at once
const idle = 4; // times as long as a reading takes there is none, so that what takes long is not asked for all the time

// useReading reads at once, whenever what it depends on changes, every so often, and shortly after it is asked to. While
// one reading is under way there is no other; one that fails leaves what was read before.
export function useReading(read, { every, failed, on }) {
  const [state, setState] = useState({ value: null, error: null });
  const run = useRef({});
  useEffect(() => {
    let timer, due = Infinity, took = 0, busy = false, again = false, ended = false;
    const plan = ms => {
      if (ended || !ms || Date.now() + ms >= due) return;
      clearTimeout(timer);
      due = Date.now() + ms;
      timer = setTimeout(start, ms);
    };
    const soon = () => plan(Math.max(least, idle * took));
    const start = async () => {
      clearTimeout(timer);
      due = Infinity;
      busy = true;
      again = false;
      const began = Date.now();
      try {
        const value = await read();
        if (!ended) setState({ value, error: null });
      } catch (error) {
        failed(error);
        if (!ended) setState(s => ({ value: s.value, error }));
      }
      took = Date.now() - began;
      busy = false;
      if (again) soon();
      else plan(every);
    };
    run.current.soon = () => { if (busy) again = true; else soon(); };
    start();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, on);
  return [state, () => run.current.soon?.()];
}
