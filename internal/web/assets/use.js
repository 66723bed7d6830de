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

// useReading reads at once, whenever what it depends on changes, every so often, and shortly after it is asked to. While
// one reading is under way there is no other; one that fails leaves what was read before.
export function useReading(read, { every, failed, on }) {
  const [state, setState] = useState({ value: null, error: null });
  const run = useRef({});
  useEffect(() => {
    let timer, busy = false, again = false, ended = false;
    const plan = ms => {
      clearTimeout(timer);
      if (ms) timer = setTimeout(start, ms);
    };
    const start = async () => {
      if (busy) { again = true; return; }
      busy = true;
      clearTimeout(timer);
      try {
        const value = await read();
        if (!ended) setState({ value, error: null });
      } catch (error) {
        failed(error);
        if (!ended) setState(s => ({ value: s.value, error }));
      }
      busy = false;
      if (!ended) plan(again ? 300 : every);
      again = false;
    };
    run.current.soon = () => { if (busy) again = true; else plan(300); };
    start();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, on);
  return [state, () => run.current.soon?.()];
}
