// One meeting: who is there, when everybody was, and what happens.
import { html, useEffect, useState } from "./preact.js";
import { Failure, get, reportPath } from "./api.js";
import { Bars, Sparkline, counts, ticks } from "./timeline.js";
import { useReading, useTick } from "./use.js";

const rowsAtFirst = 100, eventsKept = 50;

export function Meeting({ id, w, hear, failed, version }) {
  const [{ value: report, error }, soon] = useReading(() => get(reportPath(id, "json")), { every: 30000, failed, on: [version] });
  const [{ value: live }] = useReading(() => watched(id), { every: 5000, failed, on: [version] });
  const [events, setEvents] = useState([]);
  useEffect(() => hear(e => {
    if (e.data.conferenceId !== id) return;
    setEvents(list => [e, ...list].slice(0, eventsKept));
    soon();
  }), []);
  useEffect(() => {
    if (report) document.title = `${report.title || id} – Rollcall`;
    return () => { document.title = "Rollcall"; };
  }, [report?.title]);
  const now = useTick(1000);
  if (!report) {
    const missing = error instanceof Failure && error.status === 404;
    return html`<p><a href="#/">← ${w.backToList}</a></p>
      <p class="hint" role="status">${missing ? w.gone : error ? `${w.failed}: ${error.message}` : w.loading}</p>`;
  }
  const until = report.endTime || Math.max(now, report.asOf);
  return html`
    <p><a href="#/">← ${w.backToList}</a></p>
    <${Head} report=${report} live=${live} until=${until} w=${w} id=${id} now=${now}/>
    ${error && html`<p class="problem" role="alert">${w.failed}: ${error.message}</p>`}
    <${Roster} report=${report} until=${until} w=${w}/>
    ${!report.endTime && html`<${Happenings} events=${events} w=${w}/>`}`;
}

// watched is the meeting as its owner sees it, or null when it is not watched.
async function watched(id) {
  try {
    return await get(`/v1/meetings/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return null;
    throw error;
  }
}

function Head({ report, live, until, w, id, now }) {
  const here = report.people.filter(p => p.present).length;
  const file = format => html`<a href=${reportPath(id, format)} download=${`rollcall-${id}.${format}`}>${format.toUpperCase()}</a>`;
  const facts = [
    [w.started, report.startTime ? w.day(report.startTime) : "–"],
    report.endTime ? [w.ended, w.day(report.endTime)] : [w.here, w.people(here)],
    [w.duration, report.startTime ? w.span(until - report.startTime) : "–"],
    [w.attended, w.people(report.people.length)],
    [w.peak, report.peak],
  ];
  return html`<section class="card head">
    <div class="bar">
      <h1 dir="auto">${report.title || id}</h1>
      ${!report.endTime && html`<span class="badge live">${w.goesOn}</span>`}
    </div>
    <p class="meta"><span>${id}</span>
      ${live?.lastLook && html`<span>${w.looked} ${w.ago(now - Date.parse(live.lastLook))} ${w.owner} ${live.owner || w.nobody}</span>`}
      ${live?.lastError && html`<span class="problem">${w.failing}: ${live.lastError}</span>`}
      ${report.gaps.length > 0 && html`<span class="problem">${w.gaps(report.gaps.length)}</span>`}
    </p>
    <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <${Sparkline} steps=${counts(report)} until=${until} label=${w.trend}/>
    <p class="downloads">${w.download}: ${file("csv")} ${file("json")} ${file("svg")} ${file("html")}</p>
  </section>`;
}

function Roster({ report, until, w }) {
  const [all, setAll] = useState(false);
  const from = Math.min(report.startTime || until, ...report.people.map(p => p.firstJoined).filter(Boolean));
  const people = [...report.people].sort((a, b) => b.present - a.present || a.firstJoined - b.firstJoined);
  const shown = all ? people : people.slice(0, rowsAtFirst);
  return html`<section class="card roster" aria-labelledby="roster">
    <div class="bar"><h2 id="roster">${w.roster} <span class="count">${people.length}</span></h2>
      <p class="legend" aria-hidden="true"><span><i class="visit"></i>${w.legendBar}</span><span><i class="inferred"></i>${w.legendInferred}</span>
        ${report.gaps.length > 0 && html`<span><i class="gap"></i>${w.legendGap}</span>`}</p></div>
    <table>
      <thead><tr><th scope="col">${w.name}</th><th scope="col" class="time">${w.timeline}<${Axis} from=${from} to=${until} w=${w}/></th>
        <th scope="col" class="number">${w.visits}</th><th scope="col" class="number">${w.total}</th></tr></thead>
      <tbody>${shown.map(p => html`<${Person} key=${p.person} p=${p} from=${from} to=${until} gaps=${report.gaps} w=${w}/>`)}</tbody>
    </table>
    ${shown.length < people.length && html`<p><button onClick=${() => setAll(true)}>${w.rows(people.length)}</button></p>`}
  </section>`;
}

function Axis({ from, to, w }) {
  const marks = ticks(from, to, 5);
  const text = marks.step < 60000 ? w.clock : w.minute;
  return html`<svg class="axis" aria-hidden="true">${marks.ticks.map(t => {
    const x = `${(100 * (t - from) / (to - from)).toFixed(3)}%`;
    return html`<g><line x1=${x} x2=${x} y1="0" y2="5"/><text x=${x} y="16">${text(t)}</text></g>`;
  })}</svg>`;
}

function Person({ p, from, to, gaps, w }) {
  const [open, setOpen] = useState(false);
  const name = p.userNick || p.person;
  const roles = [p.host && w.host, p.coHost && w.coHost, p.outerOrgMember && w.guest, p.pstnJoin && w.phone].filter(Boolean);
  const total = p.total + (p.present ? Math.max(0, to - lastKnown(p)) : 0);
  return html`
    <tr class=${p.present ? "here" : "away"}>
      <th scope="row"><button class="name" aria-expanded=${open} aria-label=${`${open ? w.hide : w.show} ${name}`} onClick=${() => setOpen(!open)}>
        <span class="dot" title=${p.present ? w.present : w.away}></span><bdi>${name}</bdi></button>
        ${roles.map(r => html`<span class="badge">${r}</span>`)}</th>
      <td class="time"><${Bars} attendances=${p.attendances} gaps=${gaps} from=${from} to=${to} w=${w}/><span class="hidden">${p.present ? w.present : w.away}</span></td>
      <td class="number">${p.attendances.length}</td>
      <td class="number">${w.span(total)}${p.inferred ? html`<abbr title=${w.inferred}>*</abbr>` : ""}</td>
    </tr>
    ${open && html`<tr class="visits"><td colspan="4"><ol>${p.attendances.map(a => html`<li>
      ${w.joinedAt} ${w.clock(a.joinTime)}${a.joinInferred ? ` (${w.inferred})` : ""},${" "}
      ${a.leaveTime ? `${w.reasons[a.ended] ?? w.leftAt} ${w.clock(a.leaveTime)}${a.leaveInferred ? ` (${w.inferred})` : ""}, ${w.span(a.duration)}` : w.stillHere}
    </li>`)}</ol></td></tr>`}`;
}

// lastKnown is up to when an open attendance is part of the total.
function lastKnown(p) {
  const a = p.attendances.find(v => !v.leaveTime);
  return a ? a.joinTime + a.duration : Infinity;
}

function Happenings({ events, w }) {
  return html`<section class="card" aria-labelledby="events">
    <h2 id="events">${w.events}</h2>
    ${events.length === 0 && html`<p class="hint">${w.noEvents}</p>`}
    <ol class="events" role="log" aria-label=${w.events}>${events.map(e => html`<li key=${e.id}><time>${w.clock(Date.parse(e.time))}</time> ${what(e, w)}</li>`)}</ol>
  </section>`;
}

function what(e, w) {
  const verb = e.type.replace(/^conference\./, "");
  if (!verb.startsWith("member.")) return w.verbs[verb] ?? verb;
  const done = e.data.reason === "rejoined" ? w.rejoined : w.verbs[verb];
  return html`<span><bdi>${e.data.userNick || e.subject}</bdi> ${done}${e.data.inferred ? ` (${w.inferred})` : ""}</span>`;
}
