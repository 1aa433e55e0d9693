// Passkeys: adds one on the account's page and signs in with one. Without this file there is the password.
const add = document.getElementById("passkey-add");
const enter = document.getElementById("passkey");
const form = add ?? enter;

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(path, body, json) {
  const headers = { accept: "application/json", "x-csrf-token": form.querySelector("[name=csrf]").value };
  if (json) headers["content-type"] = "application/json";
  const answer = await fetch(path, { method: "POST", body: json ? JSON.stringify(body) : new URLSearchParams(body), headers });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.wrong ?? result.title ?? form.dataset.failed);
  return result;
}

const described = (list) => list?.map((each) => ({ ...each, id: bytes(each.id) }));

function asJson(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts };
}

async function addPasskey() {
  const name = document.getElementById("passkey-name").value;
  const { publicKey } = await post("/account/passkeys/begin", { name, current: document.getElementById("passkey-current").value });
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.user.id = bytes(publicKey.user.id);
  publicKey.excludeCredentials = described(publicKey.excludeCredentials);
  const credential = await navigator.credentials.create({ publicKey });
  return post("/account/passkeys", { name, credential: asJson(credential) }, true);
}

async function signIn() {
  const { publicKey } = await post("/sign-in/passkey/begin", {});
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.allowCredentials = described(publicKey.allowCredentials);
  const credential = await navigator.credentials.get({ publicKey });
  return post("/sign-in/passkey", { next: form.dataset.next, credential: asJson(credential) }, true);
}

async function run(work) {
  const wrong = document.getElementById("passkey-wrong");
  const button = form.querySelector("button");
  wrong.hidden = true;
  button.disabled = true;
  try {
    location.assign((await work()).next);
  } catch (error) {
    // What the browser's dialogue throws (closed, not allowed) is in its own words: ours say what to do.
    wrong.textContent = error instanceof DOMException || error instanceof TypeError ? form.dataset.failed : error.message;
    wrong.hidden = false;
    button.disabled = false;
  }
}

if (form) {
  const none = document.getElementById("passkey-none");
  const elsewhere = location.origin !== form.dataset.origin;
  const works = !elsewhere && window.PublicKeyCredential !== undefined;
  form.hidden = !works;
  if (none && !works) {
    none.classList.add("shown");
    none.textContent = elsewhere ? none.dataset.elsewhere : none.dataset.old;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(add ? addPasskey : signIn);
  });
}
