// One meeting: what is known of it, who was there and when, and what happens.
import { html, useEffect, useState } from "./preact.js";
import { get, reportPath } from "./api.js";
import { Roster } from "./roster.js";
import { Sparkline, counts } from "./timeline.js";
import { useReading, useTick } from "./use.js";

const eventsKept = 50;

export function Meeting({ id, w, hear, failed, version }) {
  const [{ value, error }, soon] = useReading(() => read(id), { every: 5000, failed, on: [version] });
  const [events, setEvents] = useState([]);
  useEffect(() => hear(e => {
    if (e.data.conferenceId !== id) return;
    setEvents(list => [e, ...list].slice(0, eventsKept));
    soon();
  }), []);
  const title = value?.report.title || value?.live?.title; // a meeting may have begun before its title was known
  useEffect(() => {
    if (title) document.title = `${title} – Rollcall`;
    return () => { document.title = "Rollcall"; };
  }, [title]);
  const now = useTick(1000);
  const back = html`<p class="back"><a href="#/">← ${w.backToList}</a></p>`;
  if (!value) {
    const text = !error ? w.loading : error.status === 404 ? w.gone : `${w.failed}: ${error.message}`;
    return html`${back}<p class="hint" role="status">${text}</p>`;
  }
  const { report, live } = value;
  const until = report.endTime || Math.max(now, report.asOf);
  return html`${back}
    ${error && html`<p class="problem" role="alert">${w.failed}: ${error.message}</p>`}
    <div class=${"one" + (report.endTime ? "" : " live")}>
      <${Head} title=${title} report=${report} live=${live} until=${until} w=${w} id=${id} now=${now}/>
      ${!report.endTime && html`<${Happenings} events=${events} w=${w}/>`}
      <${Roster} report=${report} until=${until} w=${w}/>
    </div>`;
}

// read asks for the report and, while the meeting goes on, how the looks at it go.
async function read(id) {
  const report = await get(reportPath(id, "json"));
  const live = report.endTime ? null : await get(`v1/meetings/${encodeURIComponent(id)}`).catch(error => {
    if (error.status === 404) return null; // it is not watched any more
    throw error;
  });
  return { report, live };
}

function Head({ title, report, live, until, w, id, now }) {
  const file = format => html`<a href=${reportPath(id, format)} download=${`rollcall-${id}.${format}`}>${format.toUpperCase()}</a>`;
  const facts = [
    [w.started, report.startTime ? w.day(report.startTime) : "–"],
    report.endTime ? [w.ended, w.day(report.endTime)] : [w.here, w.people(report.people.filter(p => p.present).length)],
    [w.duration, report.startTime ? w.span(report.duration + (report.endTime ? 0 : until - report.asOf)) : "–"],
    [w.attended, w.people(report.people.length)],
    [w.peak, report.peak],
  ];
  return html`<section class="card head">
    <div class="bar">
      <h1 dir="auto">${title || id}</h1>
      ${!report.endTime && html`<span class="badge live">${w.goesOn}</span>`}
    </div>
    <p class="meta"><span>${id}</span>
      ${live?.lastLook && html`<span>${w.looked} ${w.ago(now - Date.parse(live.lastLook))} ${w.owner} ${live.owner || w.nobody}</span>`}
      ${report.gaps.length > 0 && html`<span>${w.gaps(report.gaps.length)}</span>`}
    </p>
    ${live?.lastError && html`<p class="meta problem">${w.failing}: ${live.lastError}</p>`}
    ${!report.complete && html`<p class="meta problem">${w.incomplete}</p>`}
    <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <${Sparkline} steps=${counts(report)} until=${until} label=${w.trend}/>
    <p class="downloads"><span>${w.download}</span> ${file("csv")} ${file("json")} ${file("svg")} ${file("html")}</p>
  </section>`;
}

function Happenings({ events, w }) {
  return html`<section class="card happenings" aria-labelledby="events">
    <h2 id="events">${w.events}</h2>
    ${events.length === 0 && html`<p class="hint">${w.noEvents}</p>`}
    <ol class="events" role="log" aria-label=${w.events} tabindex=${events.length > 0 ? 0 : null}>${events.map(e => html`<li key=${e.id}><time>${w.secondOffset(Date.parse(e.time))}</time><span>${what(e, w)}</span></li>`)}</ol>
  </section>`;
}

function what(e, w) {
  const verb = e.type.replace(/^conference\./, "");
  if (verb === "meeting.updated" && e.data.title) return html`${w.verbs[verb]}: <bdi>${e.data.title}</bdi>`;
  if (!verb.startsWith("member.")) return w.verbs[verb] ?? verb;
  const done = e.data.reason === "rejoined" ? w.rejoined : w.verbs[verb];
  return html`<bdi>${e.data.userNick || e.subject}</bdi> ${done}${e.data.inferred ? ` (${w.inferred})` : ""}`;
}
