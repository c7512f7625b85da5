const state = document.querySelector("#state");
const log = document.querySelector("#log");
const older = document.querySelector("#older");
const messages = document.querySelector("#messages");
const outbox = document.querySelector("#outbox");
const form = document.querySelector("#talk");
const text = document.querySelector("#text");
const address = location.origin.replace("http", "ws") + location.pathname;
const LONGEST_WAIT = 30;
const HEARTBEAT = 10;

let socket;
let failures = 0;
let waiting;
let catching;

// Les numéros du premier et du dernier message affichés ; null : rien n'est encore arrivé.
let first = null;
let last = null;
// La question posée au serveur, tant qu'il n'a pas répondu.
let question = null;
// Ce que le serveur n'a pas encore gardé, et que l'on redira : recharger la page n'y change rien.
let unsent = JSON.parse(sessionStorage.getItem(address) ?? "[]");

function line({ number, name, text: sentence, sent }) {
  const item = document.createElement("li");
  item.value = number;
  const author = document.createElement("b");
  author.textContent = name;
  item.append(author, " ", sentence);
  if (sent) {
    const time = document.createElement("time");
    time.dateTime = sent;
    const when = new Date(sent);
    const dateStyle = when.toDateString() === new Date().toDateString() ? undefined : "short";
    time.textContent = when.toLocaleString("fr", { dateStyle, timeStyle: "short" });
    item.append(" ", time);
  }
  return item;
}

function keepingTheEnd(change) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  change();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function send(frame) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function show(words) {
  // Un lecteur d'écran dit le début d'une panne, puis le retour, et non chaque essai.
  state.ariaLive = failures > 1 ? "off" : "polite";
  state.textContent = words;
}

function ask(frame) {
  if (question) return;
  question = { ...frame, asked: Date.now() };
  send(frame);
}

function catchUp(from = last) {
  ask(last === null ? { type: "before", number: null } : { type: "after", number: from });
}

function catchUpSoon() {
  // Toute la salle voit le même trou à la fois : chacun attend un peu, et demande une fois.
  catching ??= setTimeout(() => {
    catching = undefined;
    catchUp();
  }, 250 + Math.random() * 500);
}

function showOutbox() {
  sessionStorage.setItem(address, JSON.stringify(unsent));
  const lines = unsent.map(({ text }) => line({ name: "En attente :", text }));
  keepingTheEnd(() => outbox.replaceChildren(...lines));
}

function arrive(message) {
  if (unsent.some((mine) => mine.key === message.key)) {
    unsent = unsent.filter((mine) => mine.key !== message.key);
    showOutbox();
  }
  if (last === null || message.number <= last) return;
  if (message.number > last + 1) return catchUpSoon();
  last += 1;
  keepingTheEnd(() => messages.append(line(message)));
}

function receive(frame) {
  if (frame.type === "welcome") {
    failures = 0;
    show(`connecté · Bienvenue ${frame.name} !`);
    question = null;
    // La fin de ce que l'on montre a pu être effacée.
    catchUp(Math.max(first - 1, last - 50));
    unsent.forEach(send);
  }
  if (frame.type === "message") arrive(frame);
  if (frame.type === "history") receiveHistory(frame);
}

function receiveHistory(history) {
  const { type, number } = question ?? {};
  question = null;
  // La base du serveur est neuve : ce que l'on affiche n'existe plus.
  if (history.last < last) location.reload();
  // Jusqu'où va cette réponse : au bout du salon, si elle est vide.
  const end = history.messages.at(-1)?.number ?? history.last;
  if (type === "before") {
    prepend(history.messages);
    last ??= end;
  } else {
    const kept = history.messages.map((message) => message.number);
    for (const item of [...messages.children]) {
      if (item.value > number && item.value <= end && !kept.includes(item.value)) item.remove();
    }
    for (const message of history.messages) {
      last = Math.max(last, message.number - 1);
      arrive(message);
    }
    last = Math.max(last, end);
  }
  const seen = type === "before" ? last : end;
  if (seen < history.last) catchUp(seen);
}

function prepend(found) {
  log.ariaBusy = "true";
  const fromEnd = log.scrollHeight - log.scrollTop;
  messages.prepend(...found.map(line));
  first = found[0]?.number ?? 1;
  if (first === 1 && document.activeElement === older) log.focus();
  older.hidden = first === 1;
  log.scrollTop = log.scrollHeight - fromEnd;
  log.ariaBusy = "false";
}

function connect() {
  hangUp();
  show("connexion…");
  socket = new WebSocket(address, "json");
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = wait;
}

function wait() {
  const seconds = Math.min(LONGEST_WAIT, 2 ** failures) * (0.5 + Math.random() / 2);
  failures += 1;
  const network = navigator.onLine ? "" : "hors ligne · ";
  show(`${network}reconnexion dans ${Math.ceil(seconds)} s`);
  waiting = setTimeout(connect, seconds * 1000);
}

function hangUp() {
  clearTimeout(waiting);
  if (!socket) return;
  socket.onclose = socket.onmessage = null;
  socket.close();
}

function leave() {
  hangUp();
  wait();
}

function comeBack() {
  failures = 0;
  if (socket.readyState !== WebSocket.OPEN) connect();
}

function beat() {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (question && Date.now() - question.asked > HEARTBEAT * 1000 / 2) leave();
  else catchUp();
}

addEventListener("online", comeBack);
addEventListener("offline", leave);
setInterval(beat, HEARTBEAT * 1000);

older.onclick = () => ask({ type: "before", number: first });
new IntersectionObserver(([entry]) => { if (entry.isIntersecting) older.click(); }, { root: log }).observe(older);

form.onsubmit = (event) => {
  event.preventDefault();
  const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
  const message = { type: "message", key, text: text.value };
  unsent.push(message);
  showOutbox();
  send(message);
  text.value = "";
};

text.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
};

// Le champ grandit, la liste rétrécit d'autant : le bas de ce qu'on y lit reste en vue.
let height = log.clientHeight;
new ResizeObserver(() => {
  log.scrollTop += Math.max(0, height - log.clientHeight);
  height = log.clientHeight;
}).observe(log);

showOutbox();
connect();
