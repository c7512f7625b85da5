const state = document.querySelector("#state");
const log = document.querySelector("#log");
const messages = document.querySelector("#messages");
const form = document.querySelector("#talk");
const text = document.querySelector("#text");
const address = location.origin.replace("http", "ws") + location.pathname;
const LONGEST_WAIT = 30;

let socket;
let failures = 0;
let waiting;

function line(name, sentence) {
  const item = document.createElement("li");
  const author = document.createElement("b");
  author.textContent = name;
  item.append(author, " ", sentence);
  return item;
}

function append(list, item) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  list.append(item);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function show(words) {
  // Un lecteur d'écran dit le début d'une panne, puis le retour, et non chaque essai.
  state.ariaLive = failures > 1 ? "off" : "polite";
  state.textContent = words;
}

function receive(frame) {
  if (frame.type === "welcome") {
    failures = 0;
    show(`connecté · Bienvenue ${frame.name} !`);
  }
  if (frame.type === "message") append(messages, line(frame.name, frame.text));
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

addEventListener("online", comeBack);
addEventListener("offline", leave);

form.onsubmit = (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ type: "message", text: text.value }));
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

connect();
