// Who was in a meeting, and when.
import { html, useState } from "./preact.js";
import { Axis, Bars } from "./timeline.js";

const rowsAtFirst = 100;
const filterFrom = 15; // people, from whom on they can be filtered

export function Roster({ report, until, w }) {
  const [all, setAll] = useState(false);
  const [text, setText] = useState("");
  const from = report.people.reduce((first, p) => Math.min(first, p.firstJoined || first), report.startTime || until);
  const wanted = text.trim().toLowerCase();
  const people = report.people.filter(p => !wanted || `${p.userNick} ${p.person}`.toLowerCase().includes(wanted))
    .sort((a, b) => b.present - a.present || a.firstJoined - b.firstJoined);
  const shown = all ? people : people.slice(0, rowsAtFirst);
  return html`<section class="card roster" aria-labelledby="roster">
    <div class="bar">
      <h2 id="roster">${w.roster} <span class="count">${report.people.length}</span></h2>
      ${report.people.length >= filterFrom && html`<label class="search"><span class="hidden">${w.filterPeople}</span>
        <input type="search" placeholder=${w.filterPeople} value=${text} onInput=${e => setText(e.target.value)}/></label>`}
    </div>
    <${Legend} report=${report} w=${w}/>
    <table>
      <thead><tr><th scope="col">${w.name}</th><th scope="col" class="time"><span class="hidden">${w.timeline}</span><${Axis} from=${from} to=${until} w=${w}/></th>
        <th scope="col" class="number visits">${w.visits}</th><th scope="col" class="number">${w.total}</th></tr></thead>
      <tbody>${shown.map(p => html`<${Person} key=${p.person} p=${p} from=${from} to=${until} gaps=${report.gaps} w=${w}/>`)}</tbody>
    </table>
    ${shown.length === 0 && html`<p class="hint">${wanted ? w.noneFound : w.nobodyYet}</p>`}
    ${shown.length < people.length && html`<p><button onClick=${() => setAll(true)}>${w.rows(people.length)}</button></p>`}
  </section>`;
}

// Legend explains the drawing, as far as it has these things.
function Legend({ report, w }) {
  const visits = report.people.flatMap(p => p.attendances);
  const kinds = [
    ["visit open", w.stillHere, visits.some(a => !a.leaveTime)],
    ["visit", w.wasHere, visits.some(a => a.leaveTime && a.ended !== "kicked")],
    ["visit kicked", w.removed, visits.some(a => a.ended === "kicked")],
    ["inferred", w.inferred, report.people.some(p => p.inferred)],
    ["gap", w.legendGap, report.gaps.length > 0],
  ];
  return html`<p class="legend" aria-hidden="true">${kinds.filter(k => k[2]).map(([kind, text]) => html`<span><i class=${kind}></i>${text}</span>`)}</p>`;
}

function Person({ p, from, to, gaps, w }) {
  const [open, setOpen] = useState(false);
  const name = p.userNick || p.person;
  const roles = [p.host && w.host, p.coHost && w.coHost, p.outerOrgMember && w.guest, p.pstnJoin && w.phone].filter(Boolean);
  const total = p.total + (p.present ? Math.max(0, to - counted(p)) : 0);
  return html`
    <tr class=${p.present ? "here" : "away"}>
      <th scope="row"><div><button class="name" aria-expanded=${open} aria-label=${`${open ? w.hide : w.show} ${name}`} onClick=${() => setOpen(!open)}>
        <span class="dot" title=${p.present ? w.present : w.away}></span><bdi>${name}</bdi></button>
        ${roles.map(r => html`<span class="badge">${r}</span>`)}</div></th>
      <td class="time"><${Bars} attendances=${p.attendances} gaps=${gaps} from=${from} to=${to} w=${w}/><span class="hidden">${p.present ? w.present : w.away}</span></td>
      <td class="number visits">${p.attendances.length}</td>
      <td class="number">${w.span(total)}${p.inferred ? html`<abbr title=${w.inferred}>*</abbr>` : ""}</td>
    </tr>
    ${open && html`<tr class="detail"><td colspan="4"><ol>${p.attendances.map(a => html`<li>${visit(a, w)}</li>`)}</ol></td></tr>`}`;
}

// visit tells of one attendance in words.
function visit(a, w) {
  const guess = inferred => inferred ? ` (${w.inferred})` : "";
  const joined = `${w.joinedAt} ${w.secondOffset(a.joinTime)}${guess(a.joinInferred)}`;
  if (!a.leaveTime) return `${joined}, ${w.stillHere}`;
  return `${joined}, ${w.reasons[a.ended] ?? w.leftAt} ${w.secondOffset(a.leaveTime)}${guess(a.leaveInferred)}, ${w.span(a.duration)}`;
}

// counted is up to when an open attendance is part of the total.
function counted(p) {
  const a = p.attendances.find(v => !v.leaveTime);
  return a ? a.joinTime + a.duration : Infinity;
}
