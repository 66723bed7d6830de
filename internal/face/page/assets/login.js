// The form for the API token.
import { html, useEffect, useRef, useState } from "./preact.js";
import { logIn } from "./api.js";

export function Login({ w, oidc, done }) {
  const [problem, setProblem] = useState("");
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const send = async e => {
    e.preventDefault();
    try {
      await logIn(field.current.value);
      done();
    } catch (error) {
      setProblem({ 401: w.wrong, 429: w.tooMany }[error.status] ?? `${w.failed}: ${error.message}`);
      field.current.select();
    }
  };
  return html`<form class="login card" onSubmit=${send}>
    <h1>${w.loginTitle}</h1>
    ${oidc && html`<p><a class="button" href="login/oidc">${w.loginOrganisation}</a></p>`}
    <p>${w.loginHint}</p>
    <input type="text" autocomplete="username" value="rollcall" hidden readonly/>
    <label for="token">${w.token}</label>
    <input id="token" ref=${field} type="password" autocomplete="current-password" required aria-describedby="login-problem"/>
    <button type="submit">${w.loginButton}</button>
    <p id="login-problem" class="problem" role="alert">${problem}</p>
  </form>`;
}
