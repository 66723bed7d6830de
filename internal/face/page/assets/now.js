// What is going on.
import { html, useEffect, useRef, useState } from "./preact.js";
import { get, reportPath } from "./api.js";
import { Sparkline, counts } from "./timeline.js";
import { useReading, useTick } from "./use.js";

const shownAtMost = 100;

export function Now({ w, hear, failed, version }) {
  const [{ value, error }, soon] = useReading(async () => (await get("v1/meetings")).meetings, { every: 5000, failed, on: [version] });
  const [text, setText] = useState("");
  const steps = useSteps(hear, failed, version, soon);
  const now = useTick(1000);
  if (!value) return html`<p class="hint" role="status">${error ? `${w.failed}: ${error.message}` : w.loading}</p>`;
  const wanted = text.trim().toLowerCase();
  const found = value.filter(m => !wanted || `${m.title} ${m.conferenceId}`.toLowerCase().includes(wanted))
    .sort((a, b) => b.activeCount - a.activeCount || a.conferenceId.localeCompare(b.conferenceId));
  const shown = found.slice(0, shownAtMost);
  shown.forEach(m => steps.want(m.conferenceId));
  return html`
    <div class="bar">
      <h1>${w.meetingsNow} <span class="count">${value.length}</span></h1>
      ${value.length > 5 && html`<label class="search"><span class="hidden">${w.filter}</span>
        <input type="search" placeholder=${w.filter} value=${text} onInput=${e => setText(e.target.value)}/></label>`}
    </div>
    ${error && html`<p class="problem" role="alert">${w.failed}: ${error.message}</p>`}
    ${value.length === 0 && html`<div class="empty card"><p>${w.nothingNow}</p><p class="hint">${w.nothingNowHint}</p></div>`}
    <ul class="meetings">${shown.map(m => html`<${Row} key=${m.conferenceId} m=${m} w=${w} now=${now} steps=${steps.of(m)}/>`)}</ul>
    ${found.length > shown.length && html`<p class="hint">${w.more(found.length - shown.length)}</p>`}`;
}

function Row({ m, w, now, steps }) {
  return html`<li><a class="card meeting" href=${`#/m/${encodeURIComponent(m.conferenceId)}`}>
    <span class="title"><strong dir="auto">${m.title || m.conferenceId}</strong>${m.title && html`<small>${m.conferenceId}</small>`}</span>
    <span class="people">${w.people(m.activeCount)}</span>
    <${Sparkline} steps=${steps} until=${now} label=${w.trend}/>
    <span class="meta">
      <span>${m.lastLook ? `${w.looked} ${w.ago(now - Date.parse(m.lastLook))}` : w.never}</span>
      <span>${w.owner} ${m.owner || w.nobody}</span>
      ${m.lastError && html`<span class="problem" title=${m.lastError}>${w.failing}</span>`}
    </span>
  </a></li>`;
}

const stepsKept = 2000; // many times what can be drawn

// thin leaves out some of the older steps while there are too many: each tells how many people there were.
function thin(steps) {
  while (steps.length > stepsKept) steps = steps.filter((_, i) => i % 2 === 0 || i > steps.length - stepsKept / 4);
  return steps;
}

// useSteps keeps how the number of people in each meeting has changed: from its report at first, then from the events.
function useSteps(hear, failed, version, soon) {
  const [, draw] = useState(0);
  const known = useRef(new Map());
  const waiting = useRef(new Set());
  useEffect(() => {
    known.current = new Map();
    let ended = false;
    const work = async () => {
      for (;;) {
        const [id] = waiting.current;
        if (ended) return;
        if (id === undefined) { await new Promise(done => setTimeout(done, 500)); continue; }
        waiting.current.delete(id);
        if (known.current.has(id)) continue;
        const of = { steps: [], whole: false }; // what is told while the report is read comes after it
        known.current.set(id, of);
        try {
          const steps = counts(await get(reportPath(id, "json")));
          of.steps = thin([...steps, ...of.steps.filter(s => s[0] > (steps.at(-1)?.[0] ?? 0))]);
        } catch (error) { failed(error); }
        of.whole = true;
        draw(n => n + 1);
      }
    };
    work();
    work();
    const stop = hear(e => {
      soon();
      const of = known.current.get(e.data.conferenceId);
      if (!e.type.startsWith("conference.member.") || !of) return;
      of.steps = thin([...of.steps, [Date.parse(e.time), e.data.activeCount]]);
      draw(n => n + 1);
    });
    return () => { ended = true; stop(); };
  }, [version]);
  return {
    want(id) { if (!known.current.has(id)) waiting.current.add(id); },
    of(m) {
      const of = known.current.get(m.conferenceId);
      return of?.whole ? of.steps : null;
    },
  };
}
