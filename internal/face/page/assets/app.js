// The page: what is going on, one meeting, and meetings that are over. Everything from outside becomes text, never markup.
import { html, render, useEffect, useRef, useState } from "./preact.js";
import { get, logOut } from "./api.js";
import { listen } from "./events.js";
import { other, preferred, remember, words } from "./i18n.js";
import { Login } from "./login.js";
import { Meeting } from "./meeting.js";
import { Month } from "./month.js";
import { Now } from "./now.js";
import { Past } from "./past.js";

// route reads the address: #/, #/past?q=…, #/m/ID.
function route() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  if (parts[0] === "m" && parts[1]) return { view: "meeting", id: decode(parts[1]) };
  if (parts[0] === "past") return { view: "past", query: new URLSearchParams(query).get("q") ?? "" };
  return { view: "now" };
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function App() {
  const [language, setLanguage] = useState(preferred);
  const [where, setWhere] = useState(route);
  const main = useRef(null);
  const w = words(language);
  const login = useLogin();
  const { connection, version, hear } = useEvents(login);

  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    remember(language);
  }, [language]);

  useEffect(() => {
    const moved = () => {
      setWhere(route());
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);

  const shared = { w, hear, version, failed: login.failed };
  const status = { connecting: w.connecting, lost: w.lost, live: w.live, back: w.back }[connection];
  return html`
    <a class="skip" href="#main" onClick=${e => { e.preventDefault(); main.current.focus(); }}>${w.skip}</a>
    <header>
      <a class="brand" href="#/"><img src="assets/icon.svg" alt="" width="24" height="24"/>Rollcall</a>
      <nav aria-label="Rollcall">
        <a href="#/" aria-current=${where.view === "now" ? "page" : null}>${w.now}</a>
        <a href="#/past" aria-current=${where.view === "past" ? "page" : null}>${w.past}</a>
      </nav>
      ${login.open && html`<p class=${"connection " + connection} role="status">${status}</p>`}
      <div class="tools">
        ${login.open && login.required && html`<button class="quiet" onClick=${login.out}>${w.logout}</button>`}
        <button class="quiet" lang=${language === "en" ? "zh-CN" : "en"} aria-label=${w.languageLabel} onClick=${() => setLanguage(other(language))}>${w.language}</button>
      </div>
    </header>
    <main id="main" ref=${main} tabindex="-1">
      ${login.locked ? html`<${Login} w=${w} oidc=${login.oidc} done=${login.done}/>`
        : !login.open ? html`<p class="hint" role="status">${w.connecting}</p>`
        : where.view === "meeting" ? html`<${Meeting} key=${`${where.id} ${login.session}`} id=${where.id} ...${shared}/>`
        : where.view === "past" ? html`<${Past} key=${login.session} query=${where.query} ...${shared}/>`
        : html`<${Now} key=${login.session} ...${shared}/>`}
    </main>
    ${login.open && html`<${Month} key=${login.session} w=${w} failed=${login.failed}/>`}`;
}

// useLogin knows whether the service wants the API token, and whether this browser has shown it.
function useLogin() {
  const [state, setState] = useState({ required: false, open: false, locked: false, session: 0 });
  const set = change => setState(s => ({ ...s, ...change }));
  useEffect(() => {
    let timer;
    const look = () => get("login").then(
      ({ required, loggedIn, oidc }) => set({ required, oidc, open: !required || loggedIn, locked: required && !loggedIn }),
      () => { timer = setTimeout(look, 2000); },
    );
    look();
    return () => clearTimeout(timer);
  }, []);
  return {
    ...state,
    // failed tells what a failure means for the whole page.
    failed: error => { if (error.status === 401) set({ open: false, locked: true }); },
    done: () => setState(s => ({ ...s, required: true, open: true, locked: false, session: s.session + 1 })),
    out: () => logOut().then(() => set({ open: false, locked: true }), () => {}),
  };
}

// useEvents keeps a connection while somebody is logged in. version counts the times that it came back, after which
// everything has to be read again; hear is told every event.
function useEvents({ open, failed }) {
  const [connection, setConnection] = useState("connecting");
  const [version, setVersion] = useState(0);
  const listeners = useRef(new Set());
  useEffect(() => {
    if (!open) return;
    let timer, lost = false, begun = false;
    const close = listen({
      failed,
      event: e => listeners.current.forEach(f => f(e)),
      state: name => {
        clearTimeout(timer);
        setConnection(name === "live" && lost ? "back" : name);
        if (name === "live" && begun) setVersion(v => v + 1);
        if (name === "live" && lost) timer = setTimeout(() => setConnection("live"), 4000);
        begun ||= name === "live";
        lost = name === "lost";
      },
    });
    return () => {
      clearTimeout(timer);
      close();
      setConnection("connecting");
    };
  }, [open]);
  const hear = f => {
    listeners.current.add(f);
    return () => listeners.current.delete(f);
  };
  return { connection, version, hear };
}

render(html`<${App}/>`, document.getElementById("app"));
